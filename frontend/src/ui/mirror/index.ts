export { incoming, type Incoming } from './incoming'
export { ofBuffers, type Item } from './items'
export { lastOf, painted, showLast, type Last } from './last'
export { outgoing, type Outgoing } from './outgoing'
