/** Looking up what people named. */

/**
 * What `record` itself has by `name`. A plain index also finds what every object has: a service may be called
 * `constructor`.
 */
export function own<Value>(record: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}
