/** A name can be used again after its instance is gone; name and birth together can't. */
export function identityOf({ name, createdAtMs }: { readonly name: string; readonly createdAtMs: number }): string {
  return `${name}@${createdAtMs}`
}
