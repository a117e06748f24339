package install_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// update takes a downloaded patch as far as probation. In the real order the download, to inst.Download(name), comes
// after Writable and Space.
func update(ctx context.Context, inst *install.Install, r release.Release, p release.Patch) error {
	if err := inst.Writable(); err != nil {
		return err
	}
	if err := inst.Space(p.Length + r.Length); err != nil {
		return err
	}
	verified, err := inst.Accept("patch", p.Blob)
	if err != nil {
		return err
	}
	codec, ok := delta.ByName(p.Codec)
	if !ok {
		return fmt.Errorf("no codec %s: fetch the full artifact", p.Codec)
	}
	want := install.Artifact{Length: r.Length, SHA256: r.SHA256}
	if err := inst.Patch(ctx, codec, verified, want); err != nil {
		return err // errors.Is(err, install.ErrCorrupt): fetch the full artifact and Unpack it
	}
	if _, err := inst.Trial(ctx, 20*time.Second); err != nil {
		return errors.Join(err, inst.Discard())
	}
	return inst.Swap(ctx) // then start it; Confirm when it proved itself, else RollBack
}

func Example() {
	inst, err := install.Open(install.Options{Target: "/home/me/apps/editor", Dir: "/home/me/.local/state/editor/updates"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer inst.Close()
	if _, err := inst.Recover(); err != nil { // at every start, before anything else
		fmt.Println(err)
		return
	}
	if err := update(context.Background(), inst, release.Release{}, release.Patch{}); err != nil {
		fmt.Println(err)
	}
}
