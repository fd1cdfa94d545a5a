import { expect, test } from 'vitest'
import { temporaryFolder } from '../system/temporary-folder.ts'
import { loadStack } from './load.ts'
import { stackNameFrom, stackTemplate } from './template.ts'

test('the template works, and so does everything that it suggests in comments', async () => {
  await using folder = await temporaryFolder()
  await folder.write('Dockerfile', 'FROM scratch\n')
  const source = { kind: 'build', dockerfile: './Dockerfile' } as const
  const text = stackTemplate({ stack: 'shop', source, port: 3000, schema: './repave.schema.json' })
  expect(text).toMatch(/^# yaml-language-server: \$schema=.\/repave.schema.json\n/)
  await folder.write('repave.yaml', text)
  const { stack } = await loadStack({ folder: folder.path })
  expect(stack.services.web).toMatchObject({ port: 3000, replicas: 2, image: { kind: 'build' } })

  await folder.write('repave.yaml', text.replaceAll(/^( *)# (?= *[a-z]+:)/gm, '$1'))
  const uncommented = await loadStack({ folder: folder.path, environment: 'production' })
  expect(uncommented.stack.services.web).toMatchObject({ user: '1000', replicas: 6, tmpfs: ['/tmp'] })

  const image = { kind: 'image', reference: 'nginx:1.27' } as const
  await folder.write('repave.yaml', stackTemplate({ stack: 'shop', source: image, port: 80 }))
  expect((await loadStack({ folder: folder.path })).stack.services.web?.image).toEqual({
    kind: 'reference',
    reference: 'nginx:1.27',
  })
})

test.each([
  ['shop', 'shop'],
  ['My Shop_2', 'my-shop-2'],
  ['2048-game', 'game'],
  ['--', 'app'],
  ['', 'app'],
  [`${'a'.repeat(31)}-b`, 'a'.repeat(31)],
])('a folder called %j makes a stack called %j', (folder, name) => {
  expect(stackNameFrom(folder)).toBe(name)
})
