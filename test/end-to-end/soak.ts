/** `SOAK=1`: the broad matrix and the long series. Without it, what a run of all tests can spare the time for. */
export const isSoak = process.env.SOAK === '1'

/** Where series of random moments begin; another one with `SEED=n`. */
export const seed = Number(process.env.SEED ?? 1)
