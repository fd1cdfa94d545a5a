/** Whether there is an order in which the services of a stack can be rolled out. Pure. */
import { dependencyCycles } from '../model/dependencies.ts'
import type { StackDefinition } from './definition.ts'
import { choices, suggestion, type Finding } from './finding.ts'

type Dependencies = ReadonlyMap<string, readonly string[]>

/** Finding the nearest name takes time, and nobody reads so many. */
const mostSuggestions = 100

export function checkDependencies({ services }: StackDefinition): readonly Finding[] {
  const dependencies = new Map(Object.entries(services).map(([name, { dependsOn = [] }]) => [name, dependsOn]))
  return [...checkNames(dependencies), ...checkRepeats(dependencies), ...checkCycles(dependencies)]
}

function checkNames(dependencies: Dependencies): readonly Finding[] {
  const known = [...dependencies.keys()]
  const unknown = [...dependencies].flatMap(([name, dependsOn]) =>
    [...dependsOn.entries()]
      .filter(([, other]) => !dependencies.has(other))
      .map(([index, other]) => ({ name, index, other })),
  )
  return unknown.map(({ name, index, other }, count) => {
    const nearest = count < mostSuggestions ? suggestion(other, known) : ''
    return {
      path: ['services', name, 'dependsOn', index],
      message: `service ${name} depends on a service ${JSON.stringify(other)} that the stack does not have${nearest}`,
      hint: choices(known, 'services'),
    }
  })
}

function checkRepeats(dependencies: Dependencies): readonly Finding[] {
  return [...dependencies].flatMap(([name, dependsOn]) =>
    [...dependsOn.entries()]
      .filter(([index, other]) => dependsOn.indexOf(other) < index)
      .map(([index, other]) => ({
        path: ['services', name, 'dependsOn', index],
        message: `service ${name} depends on ${other} twice`,
        hint: 'keep one of the two',
      })),
  )
}

/** Told at the first service of each cycle that the file has. */
function checkCycles(dependencies: Dependencies): readonly Finding[] {
  return dependencyCycles(dependencies).map((cycle) => {
    const [name = '', next = ''] = cycle
    return {
      path: ['services', name, 'dependsOn', dependencies.get(name)?.indexOf(next) ?? 0],
      message:
        name === next
          ? `service ${name} depends on itself: ${cycle.join(' → ')}`
          : `services depend on each other in a circle: ${cycle.join(' → ')}`,
      hint: 'take out the dependency that can do without: a service that can wait for another by itself needs none',
    }
  })
}
