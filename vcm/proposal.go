package vcm

import "github.com/tesseract-desktop/tesseract/updater/release"

// PublishPath is where a VCM takes releases. Both sides speak JSON:
//
//	POST <PublishPath>?app=NAME    the signed document  ──▶ Proposal
//	PUT  <PublishPath>/ID/PATH     the bytes of a missing file
//	POST <PublishPath>/ID          nothing              ──▶ Proposal, published
//
// ID is the SHA-256 of the document, so that proposing again finds what an
// interrupted run left. A PUT that continues has a Content-Range.
const PublishPath = "/v1/publish"

// MaxProposal limits a document that is proposed, in bytes.
const MaxProposal = 8 << 20

// Proposal is what a VCM knows of a signed document.
type Proposal struct {
	ID        string    `json:"id"`
	App       string    `json:"app"`
	Version   int64     `json:"version"`   // of the document
	Published bool      `json:"published"` // clients find it, with all of its files
	Missing   []Missing `json:"missing"`   // to be sent before it can be published
}

// Missing is a file that the VCM does not have whole.
type Missing struct {
	Path   string         `json:"path"`
	Length int64          `json:"length"`
	SHA256 release.Digest `json:"sha256"`
	Have   int64          `json:"have"` // bytes from its start that are there
}

// Refusal is the body of every answer that is an error.
type Refusal struct {
	Error string `json:"error"`
}

// Blobs lists the files that releases name, each once, in the order of the
// releases.
func Blobs(all []release.Release) []release.Blob {
	var blobs []release.Blob
	seen := map[release.Blob]bool{}
	add := func(b release.Blob) {
		if !seen[b] {
			seen[b] = true
			blobs = append(blobs, b)
		}
	}
	for _, r := range all {
		add(r.Full)
		for _, p := range r.Patches {
			add(p.Blob)
		}
	}
	return blobs
}
