//go:build linux

// Command pictures photographs the app for the documentation: the workbench and Settings, Updates, light and dark, in two sizes. What it
// shows is the real app in a real window, with a real update that waits.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

var sizes = []struct{ width, height int }{{1280, 800}, {900, 600}}

// The documents on show.
var documents = map[string]string{
	"Projects/Spring release/release-notes.md": `# Release notes for spring

Everything below has been running with the **beta group** since
**3 March**. Numbers come from the survey in [interviews](interviews.md).

## What people asked for

- Split panes that remember where they were
- Export of a whole folder, with pictures
- Search that finds ` + "`片段`" + ` as well as *fragment*

> “I closed it on Friday and it was the same on Monday, a version later.”

## How it went

| Group | People | Kept using it |
|---|--:|--:|
| Writers | 412 | 94 % |
| Researchers | 268 | 97 % |
| Engineers | 131 | 91 % |

The next round starts on Thursday. Until then, please keep
`,
	"Projects/Spring release/interviews.md": "# Interviews\n\nThree so far.\n",
	"Projects/Spring release/budget.md":     "# Budget\n\nWithin it.\n",
	"读书笔记/庄子·齐物论.md":                        "# 庄子·齐物论\n\n南郭子綦隐机而坐。\n",
	"Journal/Monday.md":                     "# Monday\n",
	"Welcome.md":                            "# Welcome\n",
}

func main() {
	folder := flag.String("o", "docs", "where the pictures go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *folder); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder string) error {
	company, err := scenario.NewCompany(ctx, func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
	if err != nil {
		return err
	}
	for _, theme := range []string{"light", "dark"} {
		if err := photograph(ctx, company, theme, folder); err != nil {
			return err
		}
	}
	return nil
}

func photograph(ctx context.Context, company *scenario.Company, theme, folder string) (err error) {
	old, err := company.Build(ctx, scenario.Old)
	if err != nil {
		return err
	}
	update, err := company.Build(ctx, scenario.Update)
	if err != nil {
		return err
	}
	s, err := scenario.NewStage(ctx, scenario.StageOptions{Keys: company.Keys, Blobs: company.Builder.Blobs()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for name, text := range documents {
		if err := s.WriteFile(filepath.Join(s.Documents(), name), text); err != nil {
			return err
		}
	}
	if err := errors.Join(
		s.WritePreferences(`{"theme":"`+theme+`","editor":{"lineNumbers":true},"updates":{"checkEvery":"1s"}}`),
		s.Feed.Publish(ctx, old, scenario.Old.Version), s.Install(old),
	); err != nil {
		return err
	}
	app, err := s.Launch(ctx)
	if err != nil {
		return err
	}
	d := s.Desktop
	if err := errors.Join(d.Key(ctx, "ctrl+p"), d.Type(ctx, "budget", 12*time.Millisecond), d.Key(ctx, "Return")); err != nil {
		return err
	}
	if _, err := app.Window.Settled(ctx); err != nil {
		return err
	}
	if err := errors.Join(d.Key(ctx, "ctrl+p"), d.Type(ctx, "release-notes", 12*time.Millisecond), d.Key(ctx, "Return"), d.Key(ctx, "ctrl+End")); err != nil {
		return err
	}
	if err := s.Feed.Publish(ctx, update, scenario.Update.Version); err != nil {
		return err
	}
	if _, err := s.AwaitStatus(ctx, 60*time.Second, "the update to wait", func(status scenario.Status) error {
		if status.State != "waiting" {
			return errors.New("it does not")
		}
		return nil
	}); err != nil {
		return app.Explain(err)
	}
	for _, size := range sizes {
		if err := app.Window.Resize(ctx, size.width, size.height); err != nil {
			return err
		}
		name := fmt.Sprintf("%s-%dx%d.png", theme, size.width, size.height)
		if err := take(ctx, app.Window, filepath.Join(folder, "workbench-"+name)); err != nil {
			return err
		}
		// The update slot at the right end of the status bar leads to Settings, Updates.
		if err := errors.Join(app.Window.Click(ctx, size.width-40, size.height-13, 1), app.Window.Point(ctx, size.width/2, 5)); err != nil {
			return err
		}
		if err := take(ctx, app.Window, filepath.Join(folder, "updates-"+name)); err != nil {
			return err
		}
		if err := d.Key(ctx, "Escape"); err != nil {
			return err
		}
	}
	return nil
}

func take(ctx context.Context, w *desktop.Window, path string) error {
	picture, err := w.Settled(ctx)
	if err != nil {
		return err
	}
	fmt.Println(path)
	return desktop.Save(path, picture)
}
