/** Who is told of what happens to one environment. */
import { resolve } from 'node:path'
import { own } from '../model/own.ts'
import { noticeKinds, type Webhook } from '../model/notification.ts'
import type { StackDefinition } from './definition.ts'

/** What an environment says takes the place of what the stack says; undefined: nobody is told. */
export function toNotifications(
  definition: StackDefinition,
  environment: string,
  folder: string,
): readonly Webhook[] | undefined {
  const declared = own(definition.environments, environment)?.notifications ?? definition.notifications ?? []
  const webhooks = declared.map(({ webhook: url, secretFile, events }): Webhook => {
    const asked = noticeKinds.filter((kind) => events?.includes(kind) ?? true)
    const isAll = asked.length === noticeKinds.length
    return { url, secretFile: resolve(folder, secretFile), ...(!isAll && { events: asked }) }
  })
  return webhooks.length > 0 ? webhooks : undefined
}
