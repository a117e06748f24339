package sandbox_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func Example() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(base)

	// Without Base, the folders are in the user's directories.
	s, err := sandbox.Open(sandbox.Options{App: "Notebook", Base: base})
	if err != nil {
		log.Fatal(err)
	}
	for _, problem := range s.Health() {
		fmt.Println("tell the user:", problem)
	}
	if err := s.Documents().WriteFile("diary/monday.md", []byte("It rained.")); err != nil {
		log.Fatal(err)
	}
	text, err := s.Documents().ReadFile("diary/monday.md", 1<<20)
	fmt.Println(string(text), err)
	_, err = s.Documents().ReadFile("../../.ssh/id_ed25519", 1<<20)
	fmt.Println(err != nil)
	// Output:
	// It rained. <nil>
	// true
}
