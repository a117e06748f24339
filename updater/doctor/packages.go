package doctor

import (
	"context"
	"slices"
	"strings"
)

// packaged finds the package manager that put the program where it is.
func (o Options) packaged(ctx context.Context, target string) (Finding, bool) {
	for _, s := range shelves {
		if f, ok := s.find(target); ok {
			return f, true
		}
	}
	return o.ask(ctx, target)
}

// A shelf is a folder in which a package manager keeps what it installed: the path alone says which package it is.
type shelf struct {
	manager string
	folders []string            // consecutive elements of the path, without regard to case; the package's own folder comes next
	name    func(string) string // of the package, from the name of that folder; nil: that name
	command string              // before the package's name; "": there is not one command
}

var shelves = []shelf{
	{"Homebrew", []string{"Cellar"}, nil, "brew upgrade "},
	{"Homebrew", []string{"Caskroom"}, nil, "brew upgrade --cask "},
	{"Nix", []string{"nix", "store"}, afterHash, ""},
	{"Guix", []string{"gnu", "store"}, afterHash, ""},
	{"Scoop", []string{"scoop", "apps"}, nil, "scoop update "},
	{"Chocolatey", []string{"chocolatey", "lib"}, nil, "choco upgrade "},
	{"WinGet", []string{"WinGet", "Packages"}, beforeSource, "winget upgrade "},
	{"Microsoft Store", []string{"Program Files", "WindowsApps"}, beforeSource, ""},
}

// find looks for the shelf in a path that has a package's folder and something inside below it.
func (s shelf) find(target string) (Finding, bool) {
	path := elements(target)
	for i := range path {
		rest := path[i:]
		if len(rest) < len(s.folders)+2 || !slices.EqualFunc(rest[:len(s.folders)], s.folders, strings.EqualFold) {
			continue
		}
		own := rest[len(s.folders)]
		if s.name != nil {
			own = s.name(own)
		}
		if own = name(own); own == "" {
			continue
		}
		f := Finding{Code: Packaged, Path: target, Manager: s.manager, Package: own}
		if s.command != "" {
			f.Command = s.command + own
		}
		return f, true
	}
	return Finding{}, false
}

// afterHash takes the hash off a folder's name: <hash>-<name>-<version>.
func afterHash(folder string) string {
	_, own, _ := strings.Cut(folder, "-")
	return own
}

// beforeSource takes off what says where a package came from: <name>_<source>.
func beforeSource(folder string) string {
	own, _, _ := strings.Cut(folder, "_")
	return own
}
