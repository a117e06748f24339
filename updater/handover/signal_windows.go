package handover

import "context"

// OnSignal does nothing: Windows has no signal that one program sends another to make it replace itself.
func OnSignal(context.Context, func()) {}
