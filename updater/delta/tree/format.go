// # Format 1 of a patch
//
// Numbers are unsigned LEB128 (as encoding/binary.Uvarint reads them), at most 63 bits. "Old entries" are those of the old
// tree's manifest, numbered from 0 in its order; "new entries" those of the new one's.
//
//	magic   "tree" 0x01
//	length  number: bytes of the head, at most 8 MiB
//	packed  number: bytes of the zstd frame that holds the head; 0: the head follows as it is
//	head    the new manifest, in terms of the old one
//	deltas  a record for each new file whose content is new and not empty, in the manifest's order
//	rest    one zstd frame: the files whose record is empty, one after the other; missing where there are none
//
// Nothing follows.
//
// Head:
//
//	base    8 bytes: the first of the SHA-256 of the old manifest with all permissions of files and folders written as 755.
//	        Permissions are left out because not every system keeps them. It tells a changed old tree from a damaged
//	        patch, and proves nothing.
//	entries number of new entries, followed by operations until there are that many
//	modes   runs: a number of entries that are files or folders, and the permissions of all of these; until all have theirs
//
// An operation is a number, 8 times an argument plus a code. A cursor on the old entries starts at 0.
//
//	0 keep    the next n old entries are new entries as they are; the cursor moves n on
//	1 skip    the cursor moves n on
//	2 change  the old entry at the cursor is a file; a file of that path is a new entry; the cursor moves 1 on; content follows
//	3 file    a new entry: path and content follow
//	4 folder  a new entry: path follows
//	5 link    a new entry: path follows, then the target's length and bytes
//
// n is the argument and not 0; of "change" and the others the argument is 0. A path is two numbers, how many bytes it shares with
// the path of the new entry before it and how many follow, and those bytes. A content is a number: s > 0 means the content of
// old entry s-1, which is a file; 0 means new content: its length and, unless that is 0, its SHA-256 follow.
//
// A record is a text of at most 16 bytes, its length first: empty where the file is in the rest; else the name of a codec, and
// then follow the number of the old entry that is its old file, the delta's length, and the delta. A delta is at most as long as its
// file, an eighth of that and 64 KiB.
package tree

const (
	magic         = "tree\x01"
	maxHead       = MaxManifest
	maxCodecName  = 16
	baseLength    = 8
	listedMode    = 0o755 // what stands for every permission in a base
	fresh         = -1    // as an item's from: no old file has the content
	inRest        = ""    // as a record's codec: the file is in the rest
	operationBits = 3
)

const (
	opKeep = iota
	opSkip
	opChange
	opFile
	opFolder
	opLink
)

// maxDelta is the longest delta that is taken for a file.
func maxDelta(length int64) int64 { return length + length/8 + 64<<10 }

// item is an entry of the new tree, and the number of the old entry that its content comes from, or fresh.
type item struct {
	Entry
	from int
}

// needsRecord tells whether the patch carries the item's content.
func (i item) needsRecord() bool { return i.Kind == File && i.from == fresh && i.Length > 0 }

// base names an old tree in a patch. All its permissions are listedMode.
func base(old Manifest) []byte {
	digest := old.Digest()
	return digest[:baseLength]
}
