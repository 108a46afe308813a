/** What `explorer.py` measures with inside a page, the explorer's and the peer's alike. */
(() => {
  const contexts = new Map()
  const tasks = []
  const bench = { arrived: 0 }
  window.__bench = bench

  // Pictures are read back from whatever they are drawn on.
  const { getContext } = HTMLCanvasElement.prototype
  HTMLCanvasElement.prototype.getContext = function (...how) {
    const context = getContext.apply(this, how)
    if (context && !contexts.has(this)) contexts.set(this, context)
    return context
  }

  // A layout's answer is the moment from which on there is nothing left but to draw.
  const Plain = window.Worker
  window.Worker = class extends Plain {
    constructor(...how) {
      super(...how)
      this.addEventListener('message', () => { bench.arrived = performance.now() })
    }
  }

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push([entry.startTime, entry.duration])
  }).observe({ type: 'longtask' })

  const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve) })
  const turn = () => new Promise((resolve) => { setTimeout(resolve, 0) })

  /**
   * Wait until what was drawn is drawn, by reading a pixel back. Of canvases without WebGL only where it is
   * said, since the browser draws those that are often read in another way.
   */
  bench.read = (flat) => {
    const pixel = new Uint8Array(4)
    for (const [canvas, context] of contexts) {
      if (!canvas.isConnected || canvas.width === 0 || getComputedStyle(canvas).display === 'none') continue
      if (context.readPixels) context.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, pixel)
      else if (flat && context.getImageData) context.getImageData(0, 0, 1, 1)
    }
  }

  /** Wait until nothing is left to draw, and return when the last frame was read. */
  bench.settled = async () => {
    await frame()
    await frame()
    bench.read(true)
    return performance.now()
  }

  /** Move the picture `steps` times, reading it back after each; milliseconds of each. */
  bench.pan = async (move, steps) => {
    const times = []
    await frame()
    for (let step = 0; step < steps; step += 1) {
      const began = performance.now()
      move(step % 4 < 2 ? 40 : -40, step % 2 ? 24 : -24)
      await frame()
      // The last one pays for all that is still under way.
      bench.read(step === steps - 1)
      times.push(performance.now() - began)
    }
    return times
  }

  /** Pan the explorer's own camera by pixels. */
  bench.panExplorer = (id, steps) => {
    const { camera, setCamera, positionOf } = window.__kastor
    const [home, at] = [camera(), positionOf(id)]
    setCamera({ ...home, x: home.x + 1, y: home.y + 1 })
    const moved = positionOf(id)
    const [unitX, unitY] = [at.x - moved.x, at.y - moved.y]
    setCamera(home)
    return bench.pan((dx, dy) => {
      const here = camera()
      setCamera({ ...here, x: here.x - dx / unitX, y: here.y - dy / unitY })
    }, steps)
  }

  /**
   * Await the next input of a kind; `found` are the milliseconds until the frame after what it brings is
   * in the page, and Event Timing's own figure for it, from input to the next paint.
   */
  bench.expectInput = (type, isThere) => {
    bench.found = new Promise((resolve) => {
      addEventListener(type, async (event) => {
        const told = entryOf(event)
        while (!isThere()) await frame()
        await frame()
        await turn()
        const took = performance.now() - event.timeStamp
        resolve([took, await told])
      }, { capture: true, once: true })
    })
  }

  /** What took less than 16 ms is not told of. */
  const entryOf = ({ type, timeStamp }) => new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      for (const { name, startTime, duration } of list.getEntries()) if (name === type && startTime >= timeStamp - 1) resolve(duration)
    })
    observer.observe({ type: 'event', durationThreshold: 16 })
    setTimeout(() => { resolve(16) }, 3000)
  })

  /** The tasks over 50 ms that began since. */
  bench.tasksSince = (since) => tasks.filter(([at]) => at >= since).map(([, duration]) => duration)

  /** Scroll by `step` pixels each frame; frames a second of each half second. */
  bench.scroll = async (element, step, seconds) => {
    const rates = []
    element.scrollTop = 0
    for (let half = 0; half < seconds * 2; half += 1) {
      const began = performance.now()
      let frames = 0
      while (performance.now() - began < 500) {
        element.scrollTop += step
        await frame()
        frames += 1
      }
      rates.push(frames * 1000 / (performance.now() - began))
    }
    return rates
  }
})()
