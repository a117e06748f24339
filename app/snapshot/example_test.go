package snapshot_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/snapshot"
)

func Example() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(base)
	folders, err := sandbox.Open(sandbox.Options{App: "Notebook", Base: base})
	if err != nil {
		log.Fatal(err)
	}

	// Version 2 of the state's layout is what this build writes.
	store, err := snapshot.Open(folders.Snapshots(), 2)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Append([]byte(`{"tab":"monday.md"}`)); err != nil {
		log.Fatal(err)
	}
	record, payload, ok, err := store.Newest(2)
	fmt.Println(record.Seq, record.Schema, string(payload), ok, err)
	// Output: 1 2 {"tab":"monday.md"} true <nil>
}
