package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// auto is the codec flag that has every codec tried.
const auto = "auto"

func (t *tool) diffCommand() *cobra.Command {
	var out, codec string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW -o PATCH",
		Short: "Make a patch that turns one file or folder into another",
		Long: `Make a patch that turns OLD into NEW, two files or two folders. The patch is
applied and compared before it is written. With --codec auto every codec is
tried, and the smallest patch kept; where even that is no smaller than NEW
itself, compressed, PATCH becomes the latter, which vcm patch unpacks just as
well. In a folder, each file has the patch that is smallest for it.`,
		Example: `  vcm diff tesseract-1.0.0 tesseract-1.1.0 -o update.patch
  vcm diff Old.app New.app -o app.patch
  vcm diff old new -o new.bsdiff --codec bsdiff --json`,
		Args: twoNames("OLD", "NEW"),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			if _, ok := delta.ByName(codec); !ok && codec != auto {
				return usageError{fmt.Errorf("codec %q: use %s", codec, codecNames())}
			}
			if err := checkOutput(out, args...); err != nil {
				return err
			}
			trees, err := bothFolders(args[0], args[1])
			if err != nil {
				return err
			}
			if trees {
				return t.diffTrees(cmd.Context(), args[0], args[1], out, codec)
			}
			return t.diff(cmd.Context(), args[0], args[1], out, codec)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write the patch to (required)")
	cmd.Flags().StringVar(&codec, "codec", auto, codecNames())
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

// codecNames lists what the codec flag takes.
func codecNames() string {
	names := auto
	all := delta.Codecs()
	for i, c := range all {
		if i == len(all)-1 {
			return names + " or " + c.Name()
		}
		names += ", " + c.Name()
	}
	return names
}

func (t *tool) diff(ctx context.Context, oldName, newName, out, codec string) error {
	began := time.Now()
	before, _, err := openSection(oldName)
	if err != nil {
		return err
	}
	after, _, err := openSection(newName)
	if err != nil {
		return err
	}
	res := deltaResult{Old: before.Size(), New: after.Size()}
	if res.OldSHA256, err = digest(before); err != nil {
		return err
	}
	if res.SHA256, err = digest(after); err != nil {
		return err
	}
	err = writeOutput(out, 0o644, func(w io.Writer) error {
		bar := t.progress()
		choice, err := promptly(ctx, func() (delta.Choice, error) {
			return makePatch(ctx, before, after, res.SHA256, codec, bar.chosen)
		})
		bar.end()
		if err := cmp.Or(interrupted(ctx), err); err != nil {
			return err
		}
		res.Codec, res.Reason, res.Patch = choice.Codec, choice.Reason, int64(len(choice.Patch))
		for _, c := range choice.Candidates {
			res.Candidates = append(res.Candidates, deltaCandidate{c.Codec, c.Bytes, c.Kept, c.Reason, c.Took.Milliseconds()})
		}
		_, err = w.Write(choice.Patch)
		return err
	})
	if err != nil {
		return err
	}
	res.deltaCost = costSince(began)
	return t.print(res, func(w io.Writer) { res.describe(w, out) })
}

// makePatch makes the smallest patch, or that of one codec.
func makePatch(ctx context.Context, before, after *io.SectionReader, want [sha256.Size]byte, codec string, progress func(delta.Progress)) (delta.Choice, error) {
	if codec == auto {
		return delta.Choose(ctx, before, after, want, delta.Options{All: true, Progress: progress})
	}
	began := time.Now()
	chosen, _ := delta.ByName(codec)
	patch, err := delta.Make(ctx, chosen, before, after, want, progress)
	if err != nil {
		return delta.Choice{}, err
	}
	only := delta.Candidate{Codec: codec, Bytes: int64(len(patch)), Kept: true, Took: time.Since(began)}
	return delta.Choice{Codec: codec, Patch: patch, Candidates: []delta.Candidate{only}}, nil
}

func (r deltaResult) describe(w io.Writer, out string) {
	made := "file"
	if r.Codec == treeCodec {
		made = "folder"
	}
	fmt.Fprintf(w, "Wrote %s: %s of %s, %s of the new %s\n", out, kind(r.Codec), strings.TrimSpace(size(r.Patch)), portion(r.Patch, r.New), made)
	for _, c := range r.Candidates {
		switch {
		case c.Kept:
		case c.Bytes == 0:
			fmt.Fprintf(w, "  no %s patch: %s\n", c.Codec, c.Reason)
		default:
			fmt.Fprintf(w, "  dropped   %s  %s: %s\n", size(c.Bytes), c.Codec, c.Reason)
		}
	}
}

// kind is what to call a codec's output.
func kind(codec string) string {
	if codec == delta.Full {
		return "the full file, compressed,"
	}
	return codec + " patch"
}
