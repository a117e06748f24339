package image

import "fmt"

// Parse reads an executable. Every table that it returns lies inside one section's file bytes, and functab ascends. An
// error wraps ErrUnsupported and says why. The Image keeps data, which must not change.
func Parse(data []byte) (*Image, error) {
	return nil, fmt.Errorf("%w: no format is known yet", ErrUnsupported)
}
