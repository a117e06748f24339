package keys

import "io/fs"

// private is always true: on Windows the folder's access list decides, and the
// mode says nothing about it.
func private(fs.FileMode) bool { return true }
