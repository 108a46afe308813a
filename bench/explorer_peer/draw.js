/** Draws a graph with cytoscape.js at places that are given: what is left is drawing alone. */
window.__peer = async ({ width, height, nodes, edges, options }) => {
  const { read } = window.__bench
  const container = document.getElementById('place')
  Object.assign(container.style, { width: `${width}px`, height: `${height}px` })
  const elements = [
    ...nodes.map(({ id, x, y, box }) => ({ data: { id, box }, position: { x, y } })),
    ...edges.map(([id, source, target]) => ({ data: { id, source, target } })),
  ]
  const began = performance.now()
  const cy = window.cytoscape({
    container, elements, layout: { name: 'preset', fit: false }, pan: { x: 0, y: 0 }, zoom: 1,
    style: [
      { selector: 'node', style: { width: 6, height: 6, 'background-color': '#2b6b8a', label: 'data(id)', 'font-size': 8, 'min-zoomed-font-size': 9 } },
      { selector: 'node[?box]', style: { width: 10, height: 10, shape: 'rectangle', 'background-color': '#8a8f90' } },
      { selector: 'edge', style: { width: 1, 'line-color': '#b0b6b8', 'curve-style': 'haystack' } },
    ],
    ...options,
  })
  // Its event `render` is not sent by WebGL.
  const renderer = cy.renderer()
  const { render } = renderer
  let renders = 0
  const first = new Promise((resolve) => {
    renderer.render = function (...how) {
      render.apply(this, how)
      renders += 1
      resolve()
    }
  })
  await first
  read(true)
  const drawn = performance.now() - began
  window.__panPeer = async (steps) => {
    renders = 0
    const times = await window.__bench.pan((x, y) => { cy.panBy({ x, y }) }, steps)
    return { times, renders }
  }
  return drawn
}
