//go:build linux

package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Report is what came of the main job, in the words of build/demo/report.json. Sizes are in
// bytes, times in milliseconds.
type Report struct {
	FromVersion string `json:"from_version"`
	ToVersion   string `json:"to_version"`
	FullBytes   int64  `json:"full_bytes"`  // of the new artifact, uncompressed
	PatchBytes  int64  `json:"patch_bytes"` // that were downloaded for it
	PatchCodec  string `json:"patch_codec"`
	CheckBytes  int64  `json:"check_bytes"`
	DownloadMS  int64  `json:"download_ms"`
	ApplyMS     int64  `json:"apply_ms"`
	HandoverMS  int64  `json:"handover_ms"`

	FieldsTotal    int      `json:"fields_total"`
	FieldsRestored int      `json:"fields_restored"`
	FieldsMissing  []string `json:"fields_missing,omitempty"`
	FieldsDiffer   []string `json:"fields_differ,omitempty"` // recorded anew, and not as before
	DocumentsLost  int      `json:"documents_lost"`
	DraftsLost     int      `json:"drafts_lost"`

	PixelsChanged int    `json:"pixels_changed"`
	PixelsShaded  int    `json:"pixels_shaded"` // painted again with a colour at most 4 of 255 levels away
	PixelsTotal   int    `json:"pixels_total"`
	PixelsMasked  string `json:"pixels_masked"`
	PixelsWhere   string `json:"pixels_where,omitempty"`

	Result string `json:"result"` // "ok", or what went wrong
}

// Judge sets the result from the numbers.
func (r *Report) Judge() {
	r.Result = "ok"
	for _, c := range []struct {
		bad  bool
		says string
	}{
		{r.FieldsRestored != r.FieldsTotal, fmt.Sprintf("%d of %d fields were restored", r.FieldsRestored, r.FieldsTotal)},
		{r.FieldsTotal < 16, fmt.Sprintf("only %d fields are kept, at least 16 were expected", r.FieldsTotal)},
		{len(r.FieldsDiffer) > 0, fmt.Sprintf("recorded anew, these fields differ: %v", r.FieldsDiffer)},
		{r.DocumentsLost > 0, fmt.Sprintf("%d documents were lost or changed", r.DocumentsLost)},
		{r.DraftsLost > 0, fmt.Sprintf("%d drafts were lost or changed", r.DraftsLost)},
		{r.PixelsChanged > 0, fmt.Sprintf("%d pixels changed, in %s", r.PixelsChanged, r.PixelsWhere)},
		{r.PatchBytes == 0 || r.PatchBytes*100 > r.FullBytes*3, fmt.Sprintf("the patch has %d bytes, more than 3 %% of %d", r.PatchBytes, r.FullBytes)},
	} {
		if c.bad {
			r.Result = c.says
			return
		}
	}
}

// Write writes the report as JSON.
func (r *Report) Write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Print prints the report as a short table.
func (r *Report) Print(w io.Writer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-20s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(w)
	row("versions", "%s -> %s", r.FromVersion, r.ToVersion)
	row("new version, whole", "%s", size(r.FullBytes))
	row("patch", "%s, %.2f %%, %s", size(r.PatchBytes), 100*float64(r.PatchBytes)/float64(max(r.FullBytes, 1)), r.PatchCodec)
	row("check", "%s", size(r.CheckBytes))
	row("download", "%d ms", r.DownloadMS)
	row("apply", "%d ms", r.ApplyMS)
	row("handover", "%d ms", r.HandoverMS)
	row("fields restored", "%d of %d", r.FieldsRestored, r.FieldsTotal)
	row("documents lost", "%d", r.DocumentsLost)
	row("drafts lost", "%d", r.DraftsLost)
	where := ""
	if r.PixelsWhere != "" {
		where = " in " + r.PixelsWhere
	}
	row("pixels changed", "%d of %d%s, %d within a shade (4 of 255 levels)", r.PixelsChanged, r.PixelsTotal, where, r.PixelsShaded)
	row("not compared", "%s", r.PixelsMasked)
	row("result", "%s", r.Result)
}

func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
