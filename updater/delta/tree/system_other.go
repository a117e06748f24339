//go:build !windows

package tree

import "os"

const linksWork = true

// setMode gives an entry exactly its permissions, whatever the umask says.
func setMode(out *os.Root, e Entry) error { return out.Chmod(e.Path, e.Mode) }
