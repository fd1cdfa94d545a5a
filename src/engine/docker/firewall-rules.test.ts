import { expect, test } from 'vitest'
import { firewallSurvey } from './firewall-rules.ts'

const bridge = 'br-669bf32cb3fb'
const drop = `-A FORWARD -i ${bridge} -o ${bridge} -j DROP`
const stageOne = `-A DOCKER-ISOLATION-STAGE-1 -i ${bridge} ! -o ${bridge} -j DOCKER-ISOLATION-STAGE-2`
const rules = [
  '*filter',
  ':FORWARD DROP [0:0]',
  ':DOCKER-ISOLATION-STAGE-1 - [0:0]',
  '-A FORWARD -j DOCKER-USER',
  '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
  `-A FORWARD -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  `-A FORWARD -i ${bridge} ! -o ${bridge} -j ACCEPT`,
  '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
  drop,
  stageOne,
  `-A DOCKER-ISOLATION-STAGE-2 -o ${bridge} -j DROP`,
  'COMMIT',
]
const survey = (lines: readonly string[]) => firewallSurvey(lines.join('\n'), bridge)

test('rules as Docker makes them are intact', () => {
  expect(survey(rules)).toEqual({ kind: 'intact' })
})

test.each([drop, stageOne, '-A FORWARD -j DOCKER-ISOLATION-STAGE-1'])('a missing %s is told', (rule) => {
  expect(survey(rules.filter((line) => line !== rule))).toEqual({
    kind: 'deviates',
    deviations: [{ rule, state: 'missing', purpose: expect.any(String) }],
  })
})

test.each([
  `-A FORWARD -i ${bridge} -o ${bridge} -j ACCEPT`,
  `-A FORWARD -i ${bridge} -j ACCEPT`,
  '-A FORWARD -j ACCEPT',
  '-A DOCKER-USER -j ACCEPT',
])('%s, which comes before, is told', (rule) => {
  expect(survey([...rules.slice(0, 3), rule, ...rules.slice(3)])).toMatchObject({
    deviations: [{ rule, state: 'surplus' }],
  })
})

test('one that accepts after the rule that drops changes nothing', () => {
  expect(survey([...rules, '-A FORWARD -j ACCEPT'])).toEqual({ kind: 'intact' })
})

test('without any rule of Docker all are missing', () => {
  expect(survey(['*filter', 'COMMIT'])).toMatchObject({ deviations: { length: 4 } })
})

test('the layout of a newer Docker is not judged', () => {
  expect(survey([':DOCKER-FORWARD - [0:0]'])).toMatchObject({ kind: 'unseen' })
})
