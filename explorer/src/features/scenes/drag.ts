/** What a drag carries when it is a twin; the outline of the graph says the same. */
export const DRAGGED_TWIN = 'text/kastor-twin'
