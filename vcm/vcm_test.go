package vcm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

var linux = release.Platform{OS: "linux", Arch: "amd64"}

func rel(t testing.TB, version string, channel release.Channel, content byte) release.Release {
	t.Helper()
	v, err := release.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return release.Release{App: "notes", Version: v, Channel: channel, Platform: linux, Length: 10, SHA256: release.Digest{content}}
}

func TestAdmit(t *testing.T) {
	elsewhere := rel(t, "9.0.0", release.Stable, 9)
	elsewhere.Platform.OS = "windows"
	all := []release.Release{rel(t, "1.0.0", release.Stable, 1), rel(t, "2.0.0-beta.1", release.Beta, 2), elsewhere}
	for name, c := range map[string]struct {
		rel   release.Release
		known bool
		err   error
	}{
		"newer":                   {rel(t, "1.1.0", release.Stable, 3), false, nil},
		"there already":           {rel(t, "1.0.0", release.Stable, 1), true, nil},
		"the same one, promoted":  {rel(t, "2.0.0-beta.1", release.Stable, 2), false, nil},
		"other bytes":             {rel(t, "1.0.0", release.Stable, 3), false, vcm.ErrConflict},
		"other bytes, elsewhere":  {rel(t, "2.0.0-beta.1", release.Stable, 3), false, vcm.ErrConflict},
		"older":                   {rel(t, "0.9.0", release.Stable, 3), false, vcm.ErrOlder},
		"older than another's":    {rel(t, "1.1.0", release.Nightly, 3), false, nil},
		"older than a platform's": {rel(t, "3.0.0", release.Stable, 3), false, nil},
	} {
		known, err := vcm.Admit(all, c.rel)
		if known != c.known || !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, %v", name, known, err)
		}
	}
}

func TestBases(t *testing.T) {
	other := rel(t, "1.9.0", release.Stable, 99)
	other.Platform.Arch = "arm64"
	all := []release.Release{
		rel(t, "1.0.0", release.Stable, 1), rel(t, "1.2.0", release.Stable, 3), rel(t, "1.1.0", release.Stable, 2),
		rel(t, "1.2.0", release.Beta, 3), rel(t, "1.3.0-beta.1", release.Beta, 4), rel(t, "1.3.0-beta.2", release.Beta, 5),
		rel(t, "1.3.0-nightly.1", release.Nightly, 6), rel(t, "2.0.0-nightly.1", release.Nightly, 7), other,
		rel(t, "0.9.0", release.Stable, 50),
	}
	for name, c := range map[string]struct {
		rel  release.Release
		n    int
		want string
	}{
		"a stable one is for all":   {rel(t, "1.3.0", release.Stable, 50), 2, "[1.3.0-nightly.1 1.3.0-beta.2 1.2.0 1.1.0]"},
		"a beta is not for stable":  {rel(t, "1.3.0-beta.3", release.Beta, 51), 2, "[1.3.0-beta.2 1.3.0-beta.1]"},
		"a nightly takes from all":  {rel(t, "2.0.0-nightly.2", release.Nightly, 52), 3, "[2.0.0-nightly.1 1.3.0-nightly.1 1.3.0-beta.2]"},
		"the same bytes count once": {rel(t, "1.2.1", release.Beta, 53), 5, "[1.2.0 1.1.0 1.0.0 0.9.0]"},
		"none wanted":               {rel(t, "1.3.0", release.Stable, 54), 0, "[]"},
		"none older":                {rel(t, "0.1.0", release.Stable, 55), 3, "[]"},
	} {
		var got []string
		for _, b := range vcm.Bases(all, c.rel, c.n) {
			got = append(got, b.Version.String())
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
}
