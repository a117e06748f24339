package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

func (t *tool) patchCommand() *cobra.Command {
	var out, expect string
	cmd := &cobra.Command{
		Use:   "patch OLD PATCH -o NEW",
		Short: "Apply a patch to a file or folder",
		Long: `Apply PATCH, as made by vcm diff or taken from a feed, to OLD. A patch carries no
signature: compare the SHA-256 that is printed with the one you expect, or give
it with --expect, and NEW is written only where it is right. For a folder
--expect is needed, and NEW must be missing or empty.`,
		Example: `  vcm patch tesseract-1.0.0 update.patch -o tesseract-1.1.0
  vcm patch old update.patch -o new --expect "$(sha256sum < new.reference | cut -d' ' -f1)"`,
		Args: twoNames("OLD", "PATCH"),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			var want *release.Digest // nil: whatever comes out
			if cmd.Flags().Changed("expect") {
				digest, err := release.ParseDigest(strings.ToLower(expect))
				if err != nil {
					return usageError{fmt.Errorf("--expect: %w", err)}
				}
				want = &digest
			}
			if err := checkOutput(out, args[1]); err != nil { // OLD may be updated where it is
				return err
			}
			tree, err := folder(args[0])
			if err != nil {
				return err
			}
			if tree {
				return t.patchTree(cmd.Context(), args[0], args[1], out, want)
			}
			return t.patch(cmd.Context(), args[0], args[1], out, want)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file or folder to write the result to (required)")
	cmd.Flags().StringVar(&expect, "expect", "", "SHA-256 that the result must have; of a folder, the one that vcm diff printed")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

func (t *tool) patch(ctx context.Context, oldName, patchName, out string, want *release.Digest) error {
	began := time.Now()
	before, mode, err := openSection(oldName)
	if err != nil {
		return err
	}
	patch, _, err := openSection(patchName)
	if err != nil {
		return err
	}
	info, err := inspect(patch)
	if err != nil {
		return fmt.Errorf("%s %w%s", patchName, err, hint(before, patch))
	}
	res := deltaResult{Codec: info.Codec, Old: before.Size(), New: info.Size, Patch: patch.Size()}
	bar := t.progress()
	err = writeOutput(out, mode, func(w io.Writer) error {
		if res.OldSHA256, res.SHA256, err = applyPatch(ctx, info, before, patch, w, bar); err != nil {
			return cmp.Or(interrupted(ctx), checkOld(before, oldName, info), err)
		}
		return cmp.Or(interrupted(ctx), checkResult(res.SHA256, info, want))
	})
	bar.end()
	if err != nil {
		return err
	}
	res.deltaCost = costSince(began)
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Wrote %s: %s, SHA-256 %s\n", out, strings.TrimSpace(size(res.New)), res.SHA256)
	})
}

// inspect believes no patch that its result is longer than an artifact may be.
func inspect(patch io.ReaderAt) (delta.Info, error) {
	info, err := delta.Inspect(patch)
	if err == nil && info.Size > release.MaxArtifact {
		err = fmt.Errorf("is damaged, or makes more than %d bytes", int64(release.MaxArtifact))
	}
	return info, err
}

// hint guesses what a user meant whose patch is none.
func hint(old, patch io.ReaderAt) string {
	if tree.IsPatch(patch) {
		return ": it is one of folders, and so must OLD be"
	}
	if _, err := delta.Inspect(old); err == nil || tree.IsPatch(old) {
		return ": OLD comes first, then PATCH"
	}
	return ""
}

// checkOld explains a patch that failed: codecs compare the old file with what
// a patch says it is for, but know no names.
func checkOld(before *io.SectionReader, name string, info delta.Info) error {
	if info.Old == nil {
		return nil
	}
	got, err := digest(before)
	if err != nil || bytes.HasPrefix(got[:], info.Old) {
		return err
	}
	return fmt.Errorf("%s is not the file that the patch is for: its SHA-256 is %s; the patch wants %x", name, got, info.Old)
}

// checkResult holds the result to what the patch and the user say it is.
func checkResult(got release.Digest, info delta.Info, want *release.Digest) error {
	if !bytes.HasPrefix(got[:], info.New) {
		return fmt.Errorf("the result's SHA-256 is %s, and the patch says %x: it is damaged", got, info.New)
	}
	if want != nil && got != *want {
		return fmt.Errorf("the result's SHA-256 is %s, not %s: nothing was written", got, *want)
	}
	return nil
}

// applyPatch writes the result to w and returns the hashes of both files. It
// returns promptly when ctx ends; then nothing more reaches w.
func applyPatch(ctx context.Context, info delta.Info, before, patch *io.SectionReader, w io.Writer, bar *bar) (old, new release.Digest, err error) {
	sum := sha256.New()
	out := &valve{w: io.MultiWriter(w, sum, &meter{size: info.Size, bar: bar, text: "applying " + kind(info.Codec)})}
	defer out.shut()
	bar.show("applying "+kind(info.Codec), 0, info.Size)
	old, err = promptly(ctx, func() (release.Digest, error) {
		if codec, ok := delta.ByName(info.Codec); ok {
			return delta.ApplySum(ctx, codec, before, patch, info.Size, out)
		}
		if err := zstd.Decompress(ctx, patch, info.Size, out); err != nil {
			return release.Digest{}, err
		}
		return digest(before)
	})
	if err != nil {
		return old, new, err
	}
	return old, release.Digest(sum.Sum(nil)), nil
}

// meter shows how much went through it.
type meter struct {
	n, size int64
	bar     *bar
	text    string
}

func (m *meter) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	m.bar.show(m.text, m.n, m.size)
	return len(p), nil
}
