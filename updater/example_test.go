package updater_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// A program that keeps itself current. A real one writes its window's state in Capture and shows and hides its window where this one prints.
func Example() {
	ctx := context.Background()
	version, err := release.ParseVersion("1.0.0")
	if err != nil {
		log.Fatal(err)
	}
	root, err := os.ReadFile("root.json") // from vcm init; real programs embed it
	if err != nil {
		log.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	var successor *handover.Successor
	if handover.Invited() { // this process was started by its own older version
		if successor, err = handover.Join(ctx, version.String(), os.Stdin); err != nil {
			log.Fatal(err)
		}
	}
	ctx, quit := context.WithCancel(ctx)
	engine, err := updater.New(updater.Options{
		App:        "notes",
		Version:    version,
		Feed:       feed.Options{URL: "https://updates.example.org/feed/", Root: root, Dir: "state/feed", App: "notes"},
		Install:    install.Options{Target: program, Dir: "state"},
		RuntimeDir: os.TempDir(),
		Settings: func() updater.Settings {
			return updater.Settings{Channel: release.Stable, Automatic: updater.All, CheckEvery: 5 * time.Hour, Probation: 30 * time.Minute}
		},
		OnStatus:  func(s updater.Status) { fmt.Println(s.State, s.Target) },
		Successor: successor,
		Host: updater.Host{
			Capture:   func(context.Context) error { return nil },
			Command:   func() *exec.Cmd { return exec.Command(program) },
			Window:    func() json.RawMessage { return nil },
			YieldLock: func(func(string, *os.File) error) {},
			TakeLock:  func() error { return nil },
			TakeOver:  func(context.Context, json.RawMessage) error { fmt.Println("the window is mine"); return nil },
			Retire:    func() { fmt.Println("hidden, standing by") },
			TakeBack:  func() { fmt.Println("the window is mine again") },
			Quit:      quit,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	engine.Ready(updater.Restored{Restored: 25, Total: 25}) // after the state was restored, and counted
	done := engine.Hold("export", "Exporting 3 documents")  // no restart before done is called
	defer done()
	engine.Run(ctx)
}
