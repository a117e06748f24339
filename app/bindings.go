//go:build bindings

package app

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
)

// Main, in a build with the tag bindings, lists the bound services for Wails' own command line (wails dev, wails build) instead of running the
// app. The page does not use what that writes: bound_test.go holds both sides together.
func Main(fs.FS) int {
	if err := wails.Run(&options.App{Bind: bound(&Documents{}, &Settings{}, &Updates{}, &Session{}, &Window{})}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
