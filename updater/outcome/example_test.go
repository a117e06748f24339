package outcome_test

import (
	"fmt"
	"os"

	"github.com/tesseract-desktop/tesseract/updater/outcome"
)

// What would be sent can be read beforehand, byte for byte.
func Example() {
	dir, err := os.MkdirTemp("", "outcome")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	queue, err := outcome.Open(outcome.Options{Dir: dir, URL: "https://updates.example.org/v1/outcomes", Enabled: func() bool { return false }})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := queue.Add("1.9.0", outcome.Report{App: "notes", From: "1.8.2", To: "1.9.0", Result: "confirmed"}, 0); err != nil {
		fmt.Println(err)
		return
	}
	last, next, err := queue.Look()
	fmt.Println(last == nil, len(next), err)
	// Output: true 1 <nil>
}
