/** The key `notifications`: who is told of what happens to an environment. */
import * as z from 'zod'
import { noticeKinds } from '../model/notification.ts'
import { filePath, httpUrl } from './scalars.ts'

const webhook = z.strictObject({
  webhook: httpUrl.meta({
    description: 'The address that is told, by POST.',
    examples: ['https://hooks.example.com/repave'],
  }),
  secretFile: filePath.meta({
    description:
      'A file on the machine of the controller, relative to the stack file, with the key that signs: `whsec_` and 24 to 64 bytes in base64. Only its owner may read it; it is read when something is sent, and never copied.',
    examples: ['/etc/repave/webhook.secret'],
  }),
  events: z
    .array(z.enum(noticeKinds))
    .min(1, 'must hold at least one; leave the key out for all of them')
    .meta({
      description: `What it is told of: ${noticeKinds.join(', ')}. Default: all of these.`,
      examples: [['taint', 'rollout']],
    })
    .optional(),
})

export const notifications = z
  .array(webhook)
  .max(16, 'must hold at most 16 webhooks')
  .check(({ value, issues }) => {
    for (const [index, { webhook: input }] of value.entries())
      if (value.findIndex((other) => other.webhook === input) < index)
        issues.push({
          code: 'custom',
          input,
          path: [index, 'webhook'],
          message: 'must be an address that is not listed yet',
        })
  })
