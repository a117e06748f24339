package archtest

// A room is one folder of Go packages, named relative to the module ("." is the top level), with
// what it may import besides the standard library.
//
// Patterns: "updater/feed" is that package, "vcm/..." the package and everything below it. What
// starts with a host name is a dependency; "x" stands for golang.org/x. The row that names a
// package most exactly is the one that counts.
type room struct {
	pattern string
	allow   []string
	tests   []string // what its tests may import beyond that
	why     string
}

const (
	wails = "github.com/wailsapp/wails/v2/..."
	tuf   = "github.com/theupdateframework/go-tuf/v2/..."
)

var rooms = []room{
	{".", []string{"app", wails}, nil,
		"main.go embeds the user interface and wires it; logic lives in rooms that can be tested"},
	{"app", []string{"app/...", "updater/...", "internal/durable", "x", wails}, nil,
		"the app brings the client's packages together and knows nothing of the server: they meet over HTTP"},
	{"app/window", []string{"x", wails}, nil,
		"the native window knows nothing of updates or documents, so that each system's file stays small"},
	{"app/passing", []string{"app/window", "updater/handover", "x"}, nil,
		"it carries what one version's window has to tell the other's; what that means is the pages' business"},
	{"app/instance", []string{"internal/durable", "x", "github.com/fsnotify/fsnotify"}, nil,
		"who may run is decided before anything else is up, so it needs nothing else"},
	{"app/sandbox", []string{"internal/durable", "x", "github.com/adrg/xdg", "github.com/fsnotify/fsnotify"}, nil,
		"other apps import it: it holds files and nothing else"},
	{"app/snapshot", []string{"app/sandbox", "internal/durable", "x"}, nil,
		"it stores opaque bytes; who restarts the app, and why, is none of its business"},
	{"app/workspace", []string{"app/sandbox", "x", "github.com/fsnotify/fsnotify"}, nil,
		"documents must be as safe without the updater and without a window as with them"},
	{"app/preferences", []string{"app/sandbox", "x", "github.com/fsnotify/fsnotify"}, nil,
		"settings are values in a file; a window that shows them subscribes"},

	{"updater", []string{"updater/...", "x"}, []string{"internal/durable"},
		"the engine is a library: any app may embed it, so it knows no app, no window toolkit and no server"},
	{"updater/release", []string{"x", "github.com/Masterminds/semver/v3", "github.com/zeebo/blake3"}, nil,
		"client and server meet here, so it stays pure: bytes in, values out"},
	{"updater/feed", []string{"updater/release", "updater/feed/internal/...", "internal/durable", "x", tuf, "github.com/sigstore/sigstore/..."}, nil,
		"what is trusted must not depend on how it is then fetched, patched or installed"},
	{"updater/feed/...", []string{"updater/feed/internal/...", "internal/durable", "x", tuf}, []string{"github.com/sigstore/sigstore/..."},
		"the workflow that decides what is trusted is one small room; the app and the public conformance suite use the same"},
	{"updater/fetch", []string{"x", "github.com/sony/gobreaker/v2"}, nil,
		"it moves bytes that nobody has verified yet, so it must be readable alone"},
	{"updater/fetch/system", []string{"x", "github.com/godbus/dbus/v5"}, nil,
		"what a system says of its network and power is asked in one place; what follows from it others decide"},
	{"updater/fetch/internal/get", []string{"updater/fetch", "updater/release", "x"}, nil,
		"a command for tests and measurements: the downloads of the app and nothing else"},
	{"updater/delta", []string{"updater/delta/...", "x"}, nil,
		"choosing a codec needs the codecs and nothing else"},
	{"updater/delta/...", []string{"updater/delta/...", "x", "github.com/gabstv/go-bsdiff/...", "github.com/klauspost/compress/...", "github.com/dsnet/compress/..."}, nil,
		"a decoder meets hostile input: with no files and no network at hand it can do no more than fail"},
	{"updater/delta/tree", []string{"updater/delta", "updater/delta/zstd", "x"}, nil,
		"it builds a tree below one folder through os.Root; syncing it and putting it in place are install's"},
	{"updater/delta/plan", nil, nil,
		"choosing the cheapest way is arithmetic: no codec, no file and no clock changes the answer"},
	{"updater/delta/goexe/internal/pack", []string{"x", "github.com/andybalholm/brotli"}, nil,
		"a general compressor stays behind two calls that bound it"},
	{"updater/install", []string{"updater/delta/...", "updater/release", "internal/durable", "x", "github.com/minio/selfupdate/...", "github.com/zeebo/blake3"}, nil,
		"it changes the user's files: nothing that talks to a network or a window may be in the same room"},
	{"updater/doctor", []string{"x"}, nil,
		"it looks at the system around a program and changes nothing, so it needs nothing that could"},
	{"updater/outcome", []string{"internal/durable", "x"}, nil,
		"what is told about the user's computer is decided in one small room, which knows of reports and nothing else"},
	{"updater/handover", []string{"x", "github.com/Microsoft/go-winio"}, nil,
		"two processes agree who runs; what they are, and what was installed, they know themselves"},

	{"vcm", []string{"updater/release", "x"}, nil,
		"what the server's rooms agree on, so it needs none of them"},
	{"vcm/...", []string{"vcm", "updater/release", "internal/durable", "x"}, []string{"updater/feed", "updater/delta/..."},
		"each room of the server gives one guarantee and meets the others only through vcm"},
	{"vcm/check", []string{"updater/release", "x", "github.com/fsnotify/fsnotify"}, []string{"updater/feed", "vcm/repository"},
		"it hands out signed files that it need not understand; its tests put a real publisher and a real client around it"},
	{"vcm/keys", []string{"internal/durable", "x", "filippo.io/age", "filippo.io/age/armor"}, nil,
		"what holds private keys holds nothing else, so that it can be read in one sitting"},
	{"vcm/repository", []string{"vcm", "updater/release", "internal/durable", "x", tuf, "github.com/sigstore/sigstore/pkg/signature"}, []string{"updater/feed"},
		"signed metadata is made in one place; what a release's bytes are like does not matter to it"},
	{"vcm/sync", []string{"vcm", "updater/release", "internal/durable", "x", "github.com/minio/minio-go/v7/..."}, []string{"vcm/sync/s3test"},
		"it moves files whose names and hashes are given; who signed them is not its business, so that any place can be written to in one way"},
	{"vcm/sync/s3test", []string{"github.com/minio/minio-go/v7/..."}, nil,
		"it starts somebody else's server for tests, and must not share our idea of it"},
	{"vcm/receive", []string{"vcm", "updater/release", "internal/durable", "x"}, []string{"vcm/sync"},
		"it meets strangers on the network: what they may leave behind is decided by a signature that others check"},
	{"cmd/vcm", []string{"vcm/...", "updater/release", "updater/delta/...", "updater/feed", "updater/fetch", "internal/durable", "x", "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/prometheus/client_golang/..."}, nil,
		"the command wires flags to operations; the codecs come in here, so that vcm itself needs none, and what clients use to check and to download, so that a feed is judged as they see it"},

	{"internal/durable", []string{"x"}, nil,
		"everything that must survive a power cut stands on it, so it stands on nothing of ours"},
	{"internal/archtest", []string{"x"}, nil,
		"the rules must not depend on what they judge"},
	{"e2e/killmatrix/program", []string{"updater", "updater/install", "updater/handover", "updater/release", "updater/feed", "updater/fetch/system", "internal/durable", "x"}, nil,
		"it is the app that is tormented: made of the real engine and nothing that a window needs"},
	{"e2e/...", []string{"e2e/...", "x"}, nil,
		"an end-to-end test sees what a person sees: the window, HTTP and files. One import of ours and it would share our mistakes"},
}

// anyTest is what any test may import.
var anyTest = []string{"x", "github.com/rogpeppe/go-internal/..."}

// A guest is a dependency with the only rooms that may import it: the other direction of the
// table above. It keeps a library replaceable, because one room wraps it.
type guest struct {
	module string
	hosts  []string
	why    string
}

var guests = []guest{
	{wails, []string{".", "app", "app/window"}, "everything else must run, and be tested, without a window"},
	{tuf, []string{"updater/feed", "updater/feed/...", "vcm/repository"}, "its traps (whole files in memory, panics, one refresh per updater) are handled where it is wrapped"},
	{"github.com/minio/selfupdate/...", []string{"updater/install"}, "its commit can leave no executable behind; install uses only the safe half"},
	{"github.com/gabstv/go-bsdiff/...", []string{"updater/delta/bsdiff"}, "it trusts every length in a patch; the codec's own folder checks them first"},
	{"github.com/andybalholm/brotli", []string{"updater/delta/goexe/internal/pack"}, "it believes what a stream says of its window; pack holds that to the stream's length"},
	{"github.com/Microsoft/go-winio", []string{"updater/handover"}, "named pipes are how the handover talks on Windows, and nothing else is"},
	{"github.com/adrg/xdg", []string{"app/sandbox"}, "one room knows where a user's folders are, so that nothing reaches out of them"},
	{"github.com/Masterminds/semver/v3", []string{"updater/release"}, "versions are compared in one place, so that client and server agree"},
	{"github.com/zeebo/blake3", []string{"updater/release", "updater/install"}, "which hash proves a segment is agreed in one place; install recognises its own files by it"},
	{"github.com/minio/minio-go/v7/...", []string{"vcm/sync", "vcm/sync/s3test"}, "a place is five operations; which service it is shows nowhere else"},
	{"github.com/sony/gobreaker/v2", []string{"updater/fetch"}, "which hosts are left alone is decided where requests are made"},
	{"github.com/godbus/dbus/v5", []string{"updater/fetch/system"}, "a message bus answers late or never; the room that asks it is ready for that"},
	{"github.com/prometheus/client_golang/...", []string{"cmd/vcm"}, "rooms count in plain numbers; what they are called in a monitoring system is said once"},
	{"github.com/spf13/cobra", []string{"cmd/vcm"}, "flags stay in the command; operations take values"},
}

// A wall stands between two sides that meet nowhere but in the named rooms.
type wall struct {
	from, to string
	except   []string
	why      string
}

var walls = []wall{
	{"vcm/...", "app/...", nil, "the server knows nothing of the app"},
	{"vcm/...", "updater/...", []string{"updater/release"}, "client and server meet only in updater/release and over HTTP"},
	{"updater/...", "vcm/...", nil, "client and server meet only in updater/release and over HTTP"},
	{"app/...", "vcm/...", nil, "client and server meet only in updater/release and over HTTP"},
	{"cmd/vcm", "app/...", nil, "the release tool must build on a machine without a window toolkit"},
	{"updater/...", "app/...", nil, "the updater is a library: any app may embed it"},
}
