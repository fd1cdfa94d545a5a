/** Where programs are looked for: Debian keeps those of servers out of a user's PATH. */
export function programPath(): string {
  return [process.env.PATH, '/usr/sbin', '/sbin'].filter(Boolean).join(':')
}
