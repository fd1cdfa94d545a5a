/** Where an instance can be reached. */
export interface Address {
  readonly host: string
  readonly port: number
}
