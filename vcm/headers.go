package vcm

import "path"

// TimestampFile is the one file of a feed that changes under its name. All
// others are named by version or by content.
const TimestampFile = "metadata/timestamp.json"

// ContentType is how a feed's file is served. It says application/zstd rather
// than the content's own type with an encoding, because clients ask for ranges
// of the file as it is signed.
func ContentType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".zst":
		return "application/zstd"
	}
	return "application/octet-stream"
}

// CacheControl is how long browsers, proxies and CDNs may keep a feed's file
// without asking: for ever, save the timestamp, which they ask for each time.
func CacheControl(name string) string {
	if name == TimestampFile {
		return "no-cache"
	}
	return "public, max-age=31536000, immutable"
}
