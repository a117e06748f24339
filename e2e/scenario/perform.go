//go:build linux

package scenario

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/release"
)

// A Company publishes: the builds, their keys and the tool that signs with them.
type Company struct {
	Builder *release.Builder
	VCM     string
	Keys    *release.Keys
}

// NewCompany builds the tool and makes, or finds, the keys.
func NewCompany(ctx context.Context, log func(format string, args ...any)) (*Company, error) {
	builder, err := release.NewBuilder(log)
	if err != nil {
		return nil, err
	}
	vcm, err := builder.VCM(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := builder.Keys(ctx, vcm, "own")
	if err != nil {
		return nil, err
	}
	return &Company{Builder: builder, VCM: vcm, Keys: keys}, nil
}

// Build returns the variant's binary.
func (c *Company) Build(ctx context.Context, v release.Variant) (string, error) {
	root, err := c.Keys.Root()
	if err != nil {
		return "", err
	}
	return c.Builder.App(ctx, v, root)
}

// UpdateMask is the slot of the update glyph and the version at the right end of the status bar:
// what says that there was an update at all.
func UpdateMask(picture *image.RGBA) image.Rectangle {
	corner := picture.Bounds().Max
	return image.Rect(corner.X-96, corner.Y-26, corner.X, corner.Y)
}

// PerformOptions say how the main job is performed.
type PerformOptions struct {
	Company *Company
	Blobs   string
	Display string
	Pace    time.Duration
	Log     func(format string, args ...any)
	Failure string // see StageOptions
	Folder  string // where the report and the pictures go; "" keeps none
}

// Perform performs the main job and reports. An error says that it came to no end; a report whose
// result is not "ok" that it ended otherwise than it should.
func Perform(ctx context.Context, o PerformOptions) (report *Report, err error) {
	old, err := o.Company.Build(ctx, Old)
	if err != nil {
		return nil, err
	}
	update, err := o.Company.Build(ctx, Update)
	if err != nil {
		return nil, err
	}
	s, err := NewStage(ctx, StageOptions{Keys: o.Company.Keys, Blobs: o.Blobs, Display: o.Display, Pace: o.Pace, Failure: o.Failure})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	o.Log("publishing %s and starting it", Old.Version)
	if err := s.Feed.Publish(ctx, old, Old.Version); err != nil {
		return nil, err
	}
	if err := s.Install(old); err != nil {
		return nil, err
	}
	app, work, err := s.WorkingIn(ctx)
	if err != nil {
		return nil, err
	}
	o.Log("three documents are open, a draft is written; putting the window away")
	if err := work.PutAway(ctx); err != nil {
		return nil, s.explain(app, err)
	}
	s.rest(ctx)

	o.Log("publishing %s", Update.Version)
	if err := s.Feed.Publish(ctx, update, Update.Version); err != nil {
		return nil, err
	}
	status, err := s.AwaitVersion(ctx, Update.Version)
	if err != nil {
		return nil, s.explain(app, err)
	}
	s.rest(ctx)

	o.Log("%s runs; bringing the window back", status.Installed)
	back, err := work.BringBack(ctx, status.PID)
	if err != nil {
		return nil, s.explain(app, err)
	}
	s.rest(ctx)
	if report, err = s.report(status, update, work, back); err != nil {
		return nil, err
	}
	if report.FieldsDiffer, err = work.FieldsThatDiffer(ctx); err != nil {
		return nil, s.explain(app, err)
	}
	if report.DraftsLost, err = work.DraftsLost(ctx); err != nil {
		return nil, s.explain(app, err)
	}
	report.Judge()
	if o.Folder != "" {
		err = errors.Join(report.Write(filepath.Join(o.Folder, "report.json")), back.Save(o.Folder))
	}
	return report, err
}

// AwaitVersion waits until another version took over.
func (s *Stage) AwaitVersion(ctx context.Context, version string) (Status, error) {
	return s.AwaitStatus(ctx, 90*time.Second, "version "+version+" to take over", func(status Status) error {
		if status.Installed != version || status.State != "probation" && status.State != "confirmed" && status.State != "current" {
			return errors.New("it has not yet")
		}
		return nil
	})
}

func (s *Stage) report(status Status, update string, work *Work, back *Back) (*Report, error) {
	hash, length, err := hashFile(update)
	if err != nil {
		return nil, err
	}
	installed, _, err := hashFile(s.Executable())
	if err != nil {
		return nil, err
	}
	if installed != hash {
		return nil, fmt.Errorf("the installed file is not the published one: its SHA-256 is %s, not %s", installed, hash)
	}
	patch, codec, err := s.Feed.PatchTo(hash)
	if err != nil {
		return nil, err
	}
	if status.PatchBytes != patch {
		return nil, fmt.Errorf("the app says that it downloaded %d bytes, but the feed's patch has %d", status.PatchBytes, patch)
	}
	if status.Restored == nil {
		return nil, errors.New("the app does not say what it restored")
	}
	r := &Report{
		FromVersion: Old.Version, ToVersion: status.Installed, FullBytes: length, PatchBytes: patch, PatchCodec: codec,
		CheckBytes: status.Figures.CheckBytes, DownloadMS: status.Figures.DownloadMS, ApplyMS: status.Figures.ApplyMS, HandoverMS: status.Figures.HandoverMS,
		FieldsTotal: status.Restored.Total, FieldsRestored: status.Restored.Restored, FieldsMissing: status.Restored.Missing,
		DocumentsLost: back.DocumentsLost,
		PixelsChanged: back.Difference.Changed, PixelsShaded: back.Difference.Shaded, PixelsTotal: work.Picture.Bounds().Dx() * work.Picture.Bounds().Dy(),
		PixelsMasked: "the update slot with the version, 96x26 at the right end of the status bar",
	}
	if back.Difference.Changed > 0 {
		r.PixelsWhere = back.Difference.Where.String()
	}
	return r, nil
}

func hashFile(path string) (hash string, length int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", 0, err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), int64(len(data)), nil
}

// Save writes what the window looked like before and after, and where the two differ.
func (b *Back) Save(folder string) error {
	err := errors.Join(
		desktop.Save(filepath.Join(folder, "before.png"), b.Before),
		desktop.Save(filepath.Join(folder, "after.png"), b.After))
	difference := filepath.Join(folder, "difference.png")
	if b.Difference == (desktop.Difference{}) {
		if e := os.Remove(difference); e != nil && !os.IsNotExist(e) {
			err = errors.Join(err, e)
		}
		return err
	}
	return errors.Join(err, desktop.Save(difference, desktop.Highlight(b.Before, b.After, UpdateMask(b.Before))))
}
