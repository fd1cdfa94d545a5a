/** Lines of the study's tables. */

export function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(64) + cells.map((cell) => String(cell).padStart(9)).join('')
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}
