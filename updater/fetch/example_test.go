package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer server.Close()
	dir, err := os.MkdirTemp("", "fetch")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	f, err := fetch.New(fetch.Options{})
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "greeting"+fetch.Suffix)
	if err := f.Fetch(context.Background(), fetch.Request{URLs: []string{server.URL}, Path: path, Length: 5}); err != nil {
		panic(err)
	}
	b, _ := os.ReadFile(path) // compare its SHA-256 before using it
	fmt.Printf("%s\n", b)
	// Output: hello
}
