// Reasons why a restart must wait, as a page has them.
export { watchHands, type HandLabels } from './hands'
export { holds, type Hold, type HoldPort, type Release } from './holds'
