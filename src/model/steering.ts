/** What people can do to a rollout that runs. */
export const steerVerbs = ['pause', 'resume', 'promote', 'abort'] as const

export type SteerVerb = (typeof steerVerbs)[number]
