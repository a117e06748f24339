package repository

import (
	"errors"
	"io/fs"
	"os"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// ErrKilled is what a repository returns that DieAt has killed.
var ErrKilled = errors.New("killed")

// DieAt makes r do nothing more from its nth write on, counted from 1, as if the process had been killed there. It
// returns how many writes there were.
func (r *Repository) DieAt(n int) (writes *int) {
	writes = new(int)
	r.write = func(dir *os.Root, name string, data []byte, perm fs.FileMode) error {
		if *writes++; n > 0 && *writes >= n {
			return ErrKilled
		}
		return durable.WriteFile(dir, name, data, perm)
	}
	return writes
}

// Watch calls see before each write of r.
func (r *Repository) Watch(see func(name string, data []byte)) {
	r.write = func(dir *os.Root, name string, data []byte, perm fs.FileMode) error {
		see(name, data)
		return durable.WriteFile(dir, name, data, perm)
	}
}
