package feed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Example asks a feed once. An app keeps one Client and asks every few hours.
func Example() {
	demo := demoFeed()
	defer demo.close()

	client, err := feed.New(feed.Options{
		URL:  demo.url,  // where the publisher serves the feed
		Root: demo.root, // built into the app
		Dir:  demo.dir,  // below the user's state folder
		App:  "notes",
		Now:  func() time.Time { return start },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := client.Check(context.Background())
	switch {
	case errors.Is(err, feed.ErrUnreachable):
		fmt.Println("No connection. Trying again later.")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	installed, _ := release.ParseVersion("1.0.0")
	me := release.Client{Channel: release.Stable, Platform: release.Current(), Current: installed}
	if offer, ok := result.Offer(me); ok {
		fmt.Println("there is", offer.Version)
	}
	// Output: there is 1.1.0
}

type demonstration struct {
	url, dir string
	root     []byte
	close    func()
}

// demoFeed puts a small feed up, so that the example has something to ask.
func demoFeed() demonstration {
	t := &exampleT{}
	r := newRepository(t)
	r.add("1.1.0", release.Stable)
	r.publish()
	o := r.options()
	return demonstration{url: o.URL, dir: o.Dir, root: o.Root, close: t.cleanUp}
}

// exampleT lets an example, which has no testing.T, use the tests' repository.
type exampleT struct {
	testing.TB
	undo []func()
}

func (t *exampleT) Helper()           {}
func (t *exampleT) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
func (t *exampleT) Cleanup(f func())  { t.undo = append(t.undo, f) }

func (t *exampleT) TempDir() string {
	dir, err := os.MkdirTemp("", "feed-example")
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (t *exampleT) cleanUp() {
	for _, undo := range t.undo {
		undo()
	}
}
