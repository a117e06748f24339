// Tesseract is a Markdown workbench that keeps itself up to date.
package main

import (
	"embed"
	"io/fs"
	"os"

	"github.com/tesseract-desktop/tesseract/app"
)

//go:embed all:frontend/dist
var built embed.FS

func main() {
	page, err := fs.Sub(built, "frontend/dist")
	if err != nil {
		panic(err) // the folder is part of this very file
	}
	os.Exit(app.Main(page))
}
