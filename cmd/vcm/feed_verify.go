package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	vcmsync "github.com/tesseract-desktop/tesseract/vcm/sync"
)

// verifyResult is what was found. Problems are those of the whole feed; each
// release has its own.
type verifyResult struct {
	Feed     string          `json:"feed"`
	OK       bool            `json:"ok"`
	Quick    bool            `json:"quick"`
	Roles    []verifiedRole  `json:"roles"`
	Apps     []string        `json:"apps"`
	Releases []verifyRelease `json:"releases"`
	Problems []verifyProblem `json:"problems"`
	Bytes    int64           `json:"bytes"` // that were downloaded, without metadata
	TookMS   int64           `json:"took_ms"`
}

type verifiedRole struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
	Days    int       `json:"days"` // until then, rounded down
}

type verifyRelease struct {
	App      string           `json:"app"`
	Version  release.Version  `json:"version"`
	Channel  release.Channel  `json:"channel"`
	Platform release.Platform `json:"platform"`
	SHA256   release.Digest   `json:"sha256"`
	Bytes    int64            `json:"bytes"`
	Full     int64            `json:"full_bytes"`
	Segments int              `json:"segments"`
	Patches  []verifyPatch    `json:"patches"`
	Problems []verifyProblem  `json:"problems"`
}

type verifyPatch struct {
	From    release.Digest `json:"from"`
	Version string         `json:"from_version,omitempty"` // empty: the feed has it no longer
	Codec   string         `json:"codec"`
	Bytes   int64          `json:"bytes"`
	Applied bool           `json:"applied"` // and led to the signed artifact
}

type verifyProblem struct {
	Problem string `json:"problem"`
	Do      string `json:"do"`
}

type verifyFlags struct {
	root, app string
	quick     bool
}

func (t *tool) feedVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify URL --root FILE",
		Short: "Walk a whole feed as a client would, and report",
		Long: `Walk the feed at URL as a client would, and report on each release: signatures
from the trust root on, and until when they are valid; every download by its
length, its SHA-256 and its segments; every full artifact unpacked; every patch
applied to the artifact that it starts from, where the feed has that still.

It downloads the whole feed once, and needs room for the artifacts that patches
start from in the folder for temporary files. With --quick it looks at signatures
and asks for the sizes only. It ends with 1 when there is any problem.`,
		Example: `  vcm feed verify https://updates.example.org/feed/ --root trust/root.json
  vcm feed verify http://127.0.0.1:8460/feed/ --root trust/root.json --app tesseract --quick --json`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error { return t.feedVerify(cmd.Context(), args[0], f) }),
	}
	feedFlags(cmd, &f.root, &f.app, "all in the feed")
	cmd.Flags().BoolVar(&f.quick, "quick", false, "signatures and sizes only; download nothing else")
	return cmd
}

func (t *tool) feedVerify(ctx context.Context, url string, f verifyFlags) error {
	began := time.Now()
	v, err := openFeed(url, f.root, t.log(slog.LevelError))
	if err != nil {
		return err
	}
	defer v.close()
	bar := t.progress()
	defer bar.end()
	w := &walk{viewer: v, bar: bar, res: verifyResult{
		Feed: url, Quick: f.quick, Apps: []string{}, Roles: []verifiedRole{}, Releases: []verifyRelease{}, Problems: []verifyProblem{},
	}}
	err = w.walk(ctx, f)
	bar.end()
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	if err != nil {
		return err
	}
	problems := w.conclude()
	w.res.TookMS = time.Since(began).Milliseconds()
	if err := t.print(w.res, w.res.show); err != nil {
		return err
	}
	if problems > 0 {
		return fmt.Errorf("%d problems found", problems)
	}
	return nil
}

// walk is one way through a feed.
type walk struct {
	*viewer
	bar       *bar
	downloads *downloads
	unpacked  map[release.Digest]*os.File // artifacts that patches start from
	wanted    map[release.Digest]int      // by how many patches that are still to come
	seen      map[release.Blob]error      // what is wrong with a file, nil where nothing is
	applied   map[release.Blob]bool       // patches that led where they should
	done      int64
	total     int64
	res       verifyResult
}

func (w *walk) problem(p, do string) { w.res.Problems = append(w.res.Problems, verifyProblem{p, do}) }

// walk collects problems; an error is one that keeps it from looking at all.
func (w *walk) walk(ctx context.Context, f verifyFlags) error {
	w.bar.show("asking "+w.url, 0, 0)
	inv, err := w.inventory(ctx)
	if usage := (usageError{}); ctx.Err() != nil || errors.As(err, &usage) {
		return err
	}
	if err != nil {
		w.problem(err.Error(), "see that the address is the feed's, the folder that has metadata/, and bring the feed there again with: vcm publish --dir DIR --to DESTINATION")
		if f.app == "" {
			return nil
		}
		inv.Apps = []string{f.app} // a client may say more
	}
	if f.app != "" {
		inv.Apps = []string{f.app}
	}
	w.roles(inv)
	if len(inv.Apps) == 0 {
		w.problem("the feed carries no app", "add one with: vcm init")
	}
	var all []release.Release
	for _, app := range inv.Apps {
		found, err := w.check(ctx, app)
		if usage := (usageError{}); ctx.Err() != nil || errors.As(err, &usage) {
			return err
		}
		if err != nil {
			w.problem(err.Error(), remedy(err))
			continue
		}
		if found.Skipped > 0 {
			w.problem(fmt.Sprintf("%s: clients of this version skip %d entries", app, found.Skipped), "look at them with a newer vcm, or see what signed them")
		}
		w.res.Apps = append(w.res.Apps, app)
		all = append(all, found.Releases...)
	}
	slices.SortFunc(all, func(a, b release.Release) int {
		return strings.Compare(a.App, b.App)*4 + a.Version.Compare(b.Version)*2 + strings.Compare(a.TargetPath(), b.TargetPath())
	})
	if f.quick {
		return w.sizes(ctx, all)
	}
	return w.contents(ctx, all)
}

// inventory is what the feed's documents say. Signatures are the client's part.
func (v *viewer) inventory(ctx context.Context) (vcmsync.Inventory, error) {
	source, err := vcmsync.Web(v.url, nil)
	if err != nil {
		return vcmsync.Inventory{}, usageError{err}
	}
	return vcmsync.Read(ctx, source)
}

func (w *walk) roles(inv vcmsync.Inventory) {
	for _, role := range inv.Roles {
		left := time.Until(role.Expires)
		w.res.Roles = append(w.res.Roles, verifiedRole{role.Name, role.Version, role.Expires, int(left.Hours()) / 24})
		if left <= 0 {
			w.problem(fmt.Sprintf("the signature of %s has expired on %s", role.Name, role.Expires.Format(time.DateOnly)),
				"sign it anew where its key is, and bring the feed here again; vcm serve does the former by itself for online keys")
		}
	}
}

// remedy is what to do about an error of the client.
func remedy(err error) string {
	switch {
	case errors.Is(err, feed.ErrUnreachable):
		return "see that the server runs and that this machine reaches it"
	case errors.Is(err, feed.ErrExpired):
		return "sign the feed anew and bring it here again, and look at this computer's clock"
	case errors.Is(err, feed.ErrSignature):
		return "see that --root is this feed's trust root, and that nobody else writes to the server; then bring the feed here again"
	case errors.Is(err, feed.ErrMalformed):
		return "see that the address is the feed's, and that no sign-in page stands before it"
	}
	return "see that the folder for temporary files can be written to"
}

// conclude counts the problems.
func (w *walk) conclude() int {
	n := len(w.res.Problems)
	for _, r := range w.res.Releases {
		n += len(r.Problems)
	}
	w.res.OK = n == 0
	return n
}

func newVerifyRelease(r release.Release, all []release.Release) verifyRelease {
	out := verifyRelease{
		App: r.App, Version: r.Version, Channel: r.Channel, Platform: r.Platform, SHA256: r.SHA256, Bytes: r.Length,
		Full: r.Full.Length, Segments: r.Segments.Len(), Patches: []verifyPatch{}, Problems: []verifyProblem{},
	}
	for _, p := range r.Patches {
		shown := verifyPatch{From: p.From, Codec: p.Codec, Bytes: p.Length}
		if i := slices.IndexFunc(all, func(r release.Release) bool { return r.SHA256 == p.From }); i >= 0 {
			shown.Version = all[i].Version.String()
		}
		out.Patches = append(out.Patches, shown)
	}
	return out
}

func (r *verifyRelease) problem(path string, err error, do string) {
	r.Problems = append(r.Problems, verifyProblem{path + ": " + err.Error(), do})
}

func (res verifyResult) show(w io.Writer) {
	for _, r := range res.Releases {
		fmt.Fprintf(w, "%s %s for %s on %s\n", r.App, r.Version, r.Platform, r.Channel)
		fmt.Fprintf(w, "  artifact  %s  SHA-256 %s\n", size(r.Bytes), r.SHA256)
		fmt.Fprintf(w, "  full      %s  %d segments\n", size(r.Full), r.Segments)
		for _, p := range r.Patches {
			from, note := p.Version, ""
			switch {
			case from == "":
				from, note = p.From.String()[:12]+"…", "  the feed has that no longer"
			case p.Applied:
				note = "  applied"
			}
			fmt.Fprintf(w, "  patch     %s  %s from %s%s\n", size(p.Bytes), p.Codec, from, note)
		}
		showProblems(w, "  ", r.Problems)
	}
	for _, r := range res.Roles {
		fmt.Fprintf(w, "%s version %d, valid for %d days\n", r.Name, r.Version, r.Days)
	}
	showProblems(w, "", res.Problems)
	if res.OK {
		how := "all downloads are right"
		if res.Quick {
			how = "all sizes are right"
		}
		fmt.Fprintf(w, "The feed is sound: %d releases, %s\n", len(res.Releases), how)
	}
}

func showProblems(w io.Writer, indent string, all []verifyProblem) {
	for _, p := range all {
		fmt.Fprintf(w, "%sPROBLEM   %s\n%s          %s\n", indent, p.Problem, indent, p.Do)
	}
}

// count adds up what there is to look at.
func (w *walk) count(all []release.Release) {
	for _, b := range vcm.Blobs(all) {
		w.total += b.Length
	}
	w.seen, w.applied = map[release.Blob]error{}, map[release.Blob]bool{}
	w.unpacked, w.wanted = map[release.Digest]*os.File{}, map[release.Digest]int{}
	for _, r := range all {
		for _, p := range r.Patches {
			w.wanted[p.From]++
		}
	}
}

func (w *walk) temp(name string) string { return filepath.Join(w.state, name) }
