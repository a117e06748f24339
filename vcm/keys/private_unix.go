//go:build unix

package keys

import "io/fs"

func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }
