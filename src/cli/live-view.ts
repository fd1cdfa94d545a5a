/** Progress that is redrawn in place. */
import type { ProgressReport } from '../model/report.ts'
import { advance, noProgress, renderProgress } from './render/progress.ts'
import type { Style } from './render/text.ts'
import type { View } from './work.ts'

/** Often enough to look alive, seldom enough to be read. */
const redrawMs = 100

export async function openLiveView(title: string, style: Style): Promise<View> {
  const { createLogUpdate } = await import('log-update')
  const draw = createLogUpdate(process.stdout)
  const startedMs = Date.now()
  let progress = noProgress
  const redraw = () => {
    const { columns, rows } = process.stdout
    const seconds = Math.floor((Date.now() - startedMs) / 1000)
    draw(renderProgress(progress, { title, seconds, columns, rows, style }).join('\n'))
  }
  const timer = setInterval(redraw, redrawMs)
  const close = () => {
    clearInterval(timer)
    draw.clear()
    draw.done()
  }
  return {
    show: (report: ProgressReport) => {
      progress = advance(progress, report)
    },
    [Symbol.dispose]: close,
  }
}
