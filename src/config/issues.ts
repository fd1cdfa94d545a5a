/** What zod found, in the words of people who write stack files. */
import type * as z from 'zod'
import { choices, pathName, printValue, suggestion, suggestionOf, type Finding, type KeyPath } from './finding.ts'
import { schemaNodesAt, stackSchema, type SchemaNode } from './json-schema.ts'

type Issue = z.core.$ZodIssue

/** `value` is the whole stack file that the issues are about. */
export function findingsFromIssues(issues: readonly Issue[], value: unknown): readonly Finding[] {
  const schema = stackSchema()
  const findings = issues.flatMap((issue) => describeIssue(issue, value, schema))
  const suggested = new Set(
    findings.map(({ path, message }) => `${path.length}${message.replace(/^.*(?=; did)/s, '')}`),
  )
  return findings.filter((finding) => !isMisspelt(finding, suggested))
}

/** A missing key is no fault of its own where a key at its depth was probably meant to be it. */
function isMisspelt({ path, message }: Finding, suggested: ReadonlySet<string>): boolean {
  const key = path.at(-1)
  const isMissing = message === missing(path) && typeof key === 'string'
  return isMissing && suggested.has(`${path.length}${suggestionOf(key)}`)
}

function describeIssue(issue: Issue, root: unknown, schema: SchemaNode): readonly Finding[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol')
  const value = valueAt(root, path)
  const nodes = schemaNodesAt(schema, path)
  const isWhole = nodes.some(({ type }) => type === 'integer')
  const say = (message: string, hint = meaning(nodes)): Finding => ({
    path,
    message: `${pathName(path)} ${message}`,
    hint,
  })
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, nodes))
    case 'invalid_union':
      return describeUnion(issue, root, schema, path)
    case 'invalid_key':
      return [{ ...say(wordsOf(issue.issues), 'choose another name'), part: 'key' }]
    case 'invalid_type':
      return [
        value === undefined
          ? { path, message: missing(path), hint: meaning(nodes) }
          : mistyped(path, value, nodes, expectedWords(isWhole ? 'integer' : issue.expected)),
      ]
    case 'invalid_value':
      return [
        say(
          value === undefined
            ? 'is missing'
            : `must be ${issue.values.map(printValue).join(' or ')}, not ${printValue(value)}${nearest(value, issue.values)}`,
        ),
      ]
    case 'too_small':
    case 'too_big':
      return [say(`${rangeWords(issue)}${shown(value)}`)]
    case 'custom':
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
      return [
        say(
          `${issue.message}${shown(value)}`,
          [remedyFor(path, value, nodes, ''), meaning(nodes)].filter(Boolean).join('. '),
        ),
      ]
  }
}

function nearest(value: unknown, known: readonly unknown[]): string {
  const words = known.filter((each) => typeof each === 'string')
  return typeof value === 'string' ? suggestion(value, words) : ''
}

/** The alternative that the writer was at is the one whose shape fits; where none does, all are named. */
function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  root: unknown,
  schema: SchemaNode,
  path: KeyPath,
): readonly Finding[] {
  const fitting = issue.errors.find(
    (issues) => !issues.some(({ code, path: at }) => code === 'invalid_type' && !at.length),
  )
  if (fitting)
    return fitting.flatMap((inner) => describeIssue({ ...inner, path: [...path, ...inner.path] }, root, schema))
  const value = valueAt(root, path)
  const nodes = schemaNodesAt(schema, path)
  const kinds = nodes.flatMap((node) => (node.type ? [expectedWords(node.type)] : []))
  if (value === undefined) return [{ path, message: missing(path), hint: meaning(nodes) }]
  return [mistyped(path, value, nodes, [...new Set(kinds)].join(' or '))]
}

function mistyped(path: KeyPath, value: unknown, nodes: readonly SchemaNode[], expected: string): Finding {
  const remedy = remedyFor(path, value, nodes, expected)
  return {
    path,
    message: `${pathName(path)} must be ${expected}, not ${printValue(value)}`,
    hint: [remedy, meaning(nodes)].filter(Boolean).join('. '),
  }
}

function remedyFor(path: KeyPath, value: unknown, nodes: readonly SchemaNode[], expected: string): string | undefined {
  const key = String(path.at(-1))
  const hasUnit = nodes.some((node) => ['30s', '1GiB', '5%'].some((example) => node.examples?.includes(example)))
  if (value === null && path.length > 0) return `give ${key} a value, or leave the key out`
  if (typeof value === 'number' && expected === 'text')
    return hasUnit ? 'write the number with its unit' : `put it in quotes: "${value}"`
  if (typeof value === 'boolean' && expected === 'text') return `put it in quotes: "${value}"`
  if (typeof value === 'string' && expected === 'a list') return `write it as a list: ${key}: ${listForm(value)}`
  const takesNumber = nodes.some(({ type }) => type === 'integer' || type === 'number')
  if (typeof value === 'string' && takesNumber && /^[0-9.]+$/.test(value)) return `write it without quotes: ${value}`
  return undefined
}

/** `a b` as the list that it probably stands for; a shell's quoting is not guessed at. */
function listForm(command: string): string {
  const words = command.slice(0, 200).trim().split(/\s+/)
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`
}

function unknownKey(path: KeyPath, key: string, nodes: readonly SchemaNode[]): Finding {
  const properties = nodes.flatMap((node) => Object.keys(node.properties ?? {}))
  const known = [...new Set(properties)].filter((name) => name !== '$schema')
  const where = path.length === 0 ? '' : ` of ${pathName(path)}`
  return {
    path: [...path, key],
    part: 'key',
    message: `${printValue(key)} is not a key${where}${suggestion(key, known)}`,
    hint: choices(known, 'keys'),
  }
}

function missing(path: KeyPath): string {
  return `${pathName(path)} is missing`
}

/** What the key means, from its description, with an example. */
function meaning(nodes: readonly SchemaNode[]): string {
  const described = nodes.find((node) => node.description !== undefined)
  const examples = nodes.find((node) => node.examples !== undefined)?.examples ?? []
  const shownExamples = examples.map((example) => JSON.stringify(example)).join(' or ')
  const parts = [described?.description ?? '', shownExamples && `For example: ${shownExamples}`]
  return parts.filter(Boolean).join(' ') || 'docs/reference/stack-file.md of the package lists every key'
}

function expectedWords(type: string): string {
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    integer: 'a whole number',
    array: 'a list',
    object: 'a map',
    record: 'a map',
    boolean: 'true or false',
  }
  return words[type] ?? type
}

function rangeWords(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  if (issue.origin === 'string' || issue.origin === 'array') return issue.message
  return issue.code === 'too_small' ? `must be at least ${issue.minimum}` : `must be at most ${issue.maximum}`
}

function wordsOf(issues: readonly Issue[]): string {
  return issues.map(({ message }) => message).join(' and ')
}

function shown(value: unknown): string {
  return value === undefined || typeof value === 'object' ? '' : `, not ${printValue(value)}`
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined,
    root,
  )
}
