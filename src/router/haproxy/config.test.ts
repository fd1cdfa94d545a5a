import { describe, expect, it } from 'vitest'
import { layoutId, listenersOf, renderConfig, type Layout } from './config.ts'

const layout: Layout = {
  listeners: [{ listen: { address: '127.0.0.1', port: 8443 }, certificates: ['certificates/ab.pem'] }],
  pools: ['shop.production.web'],
  account: { user: 'haproxy', group: 'haproxy' },
  maxConnections: 1000,
}

describe('renderConfig', () => {
  it('writes the whole file', () => {
    const servers = [
      {
        pool: 'shop.production.web',
        instance: 'web-1',
        address: { host: '10.0.0.2', port: 80 },
        lane: 'a',
        state: 'in',
      },
      {
        pool: 'shop.production.web',
        instance: 'web-2',
        address: { host: 'fd00::2', port: 80 },
        lane: 'b',
        state: 'draining',
      },
    ] as const
    expect(renderConfig(layout, servers, 'id nonce')).toMatchInlineSnapshot(`
      "# Written by Repave; changes are lost.
      global
        description "id nonce"
        maxconn 1000
        hard-stop-after 24h
        mworker-max-reloads 200
        stats socket unix@worker.sock mode 600 level admin
        stats maxconn 100
        stats timeout 24d
        ssl-default-bind-options ssl-min-ver TLSv1.2
        tune.ssl.default-dh-param 2048
        tune.bufsize 16384
        tune.http.maxhdr 101
        user haproxy
        group haproxy
        chroot jail

      ring figures
        format raw
        maxlen 1024
        size 1048576

      defaults
        mode http
        balance leastconn
        option dontlognull
        option http-server-close
        option http-pretend-keepalive
        option idle-close-on-response
        timeout connect 200ms
        timeout client 60s
        timeout client-fin 10s
        timeout http-request 10s
        timeout http-keep-alive 75s
        timeout queue 6s
        timeout server 300s
        timeout server-fin 5s
        timeout tunnel 1h
        http-error status 400 content-type text/plain string "the request is not valid HTTP\\n"
        http-error status 403 content-type text/plain string "the request is not allowed\\n"
        http-error status 408 content-type text/plain string "the request took too long to arrive\\n"
        http-error status 500 content-type text/plain string "the router failed\\n"
        http-error status 502 content-type text/plain string "the instance did not answer as it should\\n"
        http-error status 503 content-type text/plain string "no instance can answer\\n"
        http-error status 504 content-type text/plain string "the instance took too long to answer\\n"

      frontend listen:8443:127.0.0.1
        log ring@figures format raw local0
        log-format "request %[var(txn.lane)] %b %s %ST %ts %TR %Tw %Tc %Tr %Ta"
        bind 127.0.0.1:8443 ssl crt certificates/ab.pem alpn h2,http/1.1
        bind unix@jail/8443-12ca17b4.sock user haproxy group haproxy mode 600 accept-proxy
        http-request set-var-fmt(txn.route) "127.0.0.1:8443|%[req.hdr(host),host_only,rtrim(.),lower]%[path]/" unless { var(txn.pool) -m found }
        http-request set-var(txn.pool) var(txn.route),map_beg(routes.map) unless { var(txn.pool) -m found }
        http-request set-var-fmt(txn.route) "127.0.0.1:8443|*%[path]/" unless { var(txn.pool) -m found }
        http-request set-var(txn.pool) var(txn.route),map_beg(routes.map) unless { var(txn.pool) -m found }
        acl routed var(txn.pool) -m found
        acl unrouted var(txn.pool) -m str :none
        http-request return status 404 content-type text/plain string "no route for this host and path\\n" if !routed or unrouted
        http-request set-header X-Forwarded-For %[src]
        http-request set-header X-Forwarded-Proto https
        http-request set-var(txn.to_b) var(txn.pool),map_str_int(split.map,0)
        http-request set-var-fmt(txn.lane) "%[var(txn.pool)]:b" if { rand(1000),sub(txn.to_b) lt 0 }
        http-request set-var(txn.lane) var(txn.pool) unless { var(txn.lane) -m found }
        use_backend handover:8443:127.0.0.1 if { stopping }
        use_backend %[var(txn.lane)]

      backend handover:8443:127.0.0.1
        retries 30
        server next unix@/8443-12ca17b4.sock send-proxy-v2

      backend shop.production.web
        option redispatch 1
        option allbackups
        retries 30
        retry-on conn-failure empty-response junk-response
        http-request disable-l7-retry unless METH_GET || METH_HEAD || METH_OPTIONS
        server :hold 127.0.0.1:1 backup
        server web-1 10.0.0.2:80 check inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 2 on-error mark-down
        server web-2:spare [fd00::2]:80 backup disabled

      backend shop.production.web:b
        option redispatch 1
        option allbackups
        retries 30
        retry-on conn-failure empty-response junk-response
        http-request disable-l7-retry unless METH_GET || METH_HEAD || METH_OPTIONS
        server :hold 127.0.0.1:1 backup disabled
        server web-2 [fd00::2]:80 check inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 2 on-error mark-down disabled
        server web-1:spare 10.0.0.2:80 backup

      backend repave:routes
        http-request set-var(txn.tls) str(),map_str(tls.map)
      "
    `)
  })

  it('leaves accounts and the jail to root', () => {
    const { account: _, ...own } = layout
    const config = renderConfig(own, [], '')
    expect(config).not.toMatch(/chroot|user|group/)
    expect(config).toContain('server next unix@jail/8443-')
  })
})

describe('layoutId', () => {
  it('does not depend on servers, but on all that needs a reload', () => {
    const changed: readonly Layout[] = [
      { ...layout, pools: [] },
      { ...layout, listeners: [] },
      { ...layout, listeners: [{ ...layout.listeners[0]!, certificates: ['certificates/cd.pem'] }] },
      { ...layout, maxConnections: 2000 },
    ]
    expect(new Set([layout, ...changed].map(layoutId)).size).toBe(5)
    expect(layoutId({ ...layout })).toBe(layoutId(layout))
  })
})

describe('listenersOf', () => {
  it('makes one listener for all routes of an address, with all of their certificates', () => {
    const listen = { address: '0.0.0.0', port: 443 }
    const routes = ['b', 'a', 'b'].map((name) => ({
      listen,
      host: name,
      path: '/',
      tls: { certificate: `${name}.crt`, key: `${name}.key` },
    }))
    expect(listenersOf([{ pool: 'p', routes }], ({ certificate }) => `${certificate}.pem`)).toEqual([
      { listen, certificates: ['a.crt.pem', 'b.crt.pem'] },
    ])
  })
})
