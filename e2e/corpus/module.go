//go:build linux

package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// A module is a program as its makers published it, with the dependencies that its own go.mod
// names.
type module struct{ path, version string }

func (m module) String() string { return m.path + "@" + m.version }

func (m module) flags() []string { return nil }

func (m module) lay(ctx context.Context, b *Builder, dir string) error {
	// Outside any module, so that no other go.mod has a say.
	out, err := run(ctx, os.TempDir(), nil, "go", "mod", "download", "-json", m.String())
	if err != nil {
		return err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return fmt.Errorf("go mod download %s: %w", m, err)
	}
	return os.CopyFS(dir, os.DirFS(downloaded.Dir))
}
