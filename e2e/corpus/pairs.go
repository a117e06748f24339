//go:build linux

package corpus

import "slices"

// stripped is how programs are released: without it Go compresses debug information, and no delta
// finds anything in that.
var stripped = []string{"-trimpath", "-buildvcs=false", "-ldflags", "-s -w"}

// appFlags are those of make build; the linker's come with the version.
var appFlags = []string{"-trimpath", "-buildvcs=false", "-tags", "desktop,production,webkit2_41"}

// yearOld are the modules of golang.org/x that the app uses, as they were a year before the
// versions in go.mod. Other modules ask for newer ones, so they have to be replaced.
var yearOld = []string{"golang.org/x/net@v0.46.0", "golang.org/x/crypto@v0.43.0", "golang.org/x/sys@v0.37.0", "golang.org/x/text@v0.30.0"}

// Pairs are all there are, in the order to show them.
func Pairs() []Pair {
	first := app{version: "1.0.0"}
	next := app{version: "1.1.0", changes: "one bound method more and another page", edits: moreAbility}
	ofApp := func(name, about, system string, from, to app) Pair {
		return Pair{Name: name, About: about, OS: system, Arch: "amd64", flags: appFlags, pkg: ".", old: from, new: to}
	}
	ofModule := func(name, system, arch, path, from, to, pkg string) Pair {
		return Pair{Name: name, About: from + " to " + to, OS: system, Arch: arch, flags: stripped, pkg: pkg,
			old: module{path, from}, new: module{path, to}}
	}
	restic := func(name, system, arch string) Pair {
		return ofModule(name, system, arch, "github.com/restic/restic", "v0.18.0", "v0.18.1", "./cmd/restic")
	}
	ofServer := func(name, system, arch, language, toolchain string) Pair {
		return Pair{Name: name, About: "one HTTP handler more", OS: system, Arch: arch, toolchain: toolchain, flags: stripped, pkg: ".",
			old: server{language, ""}, new: server{language, oneMoreHandler}}
	}
	return []Pair{
		ofApp("app-line-elf", "one line", "linux", first, app{version: "1.0.0", changes: "one longer message", edits: oneLine}),
		ofApp("app-elf", "one bound method more, another page", "linux", first, next),
		ofApp("app-pe", "one bound method more, another page", "windows", first.onWindows(), next.onWindows()),
		ofApp("wails-elf", "Wails 2.12.0 to 2.13.0", "linux",
			app{version: "1.0.0", requires: []string{"github.com/wailsapp/wails/v2@v2.12.0"}}, app{version: "1.0.0", requires: []string{"github.com/wailsapp/wails/v2@v2.13.0"}}),
		ofApp("xmod-elf", "x/net, x/crypto, x/sys, x/text a year on", "linux", app{version: "1.0.0", replaces: yearOld}, first),
		ofModule("hugo", "linux", "amd64", "github.com/gohugoio/hugo", "v0.147.8", "v0.147.9", "."),
		ofModule("rclone", "linux", "amd64", "github.com/rclone/rclone", "v1.70.2", "v1.70.3", "."),
		restic("restic-elf", "linux", "amd64"),
		restic("restic-pe", "windows", "amd64"),
		restic("restic-macho-arm64", "darwin", "arm64"),
		restic("elf-arm64", "linux", "arm64"),
		ofServer("go123", "linux", "amd64", "1.23.0", "go1.23.12"),
		ofServer("go124", "linux", "amd64", "1.23.0", "go1.24.11"),
		ofServer("go125", "linux", "amd64", "1.23.0", "go1.25.5"),
		ofServer("go126", "linux", "amd64", "1.23.0", ""),
		ofServer("pe-arm64", "windows", "arm64", "1.23.0", ""),
		ofServer("macho-amd64", "darwin", "amd64", "1.23.0", ""),
	}
}

// Named returns the pair of that name.
func Named(name string) (Pair, bool) {
	all := Pairs()
	i := slices.IndexFunc(all, func(p Pair) bool { return p.Name == name })
	if i < 0 {
		return Pair{}, false
	}
	return all[i], true
}
