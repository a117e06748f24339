package workspace

import "strings"

const (
	welcomeName = "Welcome.md"
	welcomed    = ".welcomed" // is there once the first document was made, so that deleting it is for good
)

type words struct{ untitled, welcome string }

// words are in Chinese for every kind of it, in English for all else.
func (w *Workspace) words() words {
	tag := strings.ToLower(w.language())
	if tag == "zh" || strings.HasPrefix(tag, "zh-") || strings.HasPrefix(tag, "zh_") {
		return words{untitled: "未命名", welcome: welcomeChinese}
	}
	return words{untitled: "Untitled", welcome: welcomeEnglish}
}

// welcome makes the first document in a folder that has nothing visible yet. It runs within Exclusive.
func (w *Workspace) welcome() error {
	if _, err := w.folder.Lstat(welcomed); !isMissing(err) {
		return err
	}
	entries, err := w.folder.List(".")
	if err != nil {
		return err
	}
	empty := true
	for _, e := range entries {
		empty = empty && strings.HasPrefix(e.Name(), ".")
	}
	if empty {
		if err := w.folder.WriteFile(welcomeName, []byte(w.words().welcome)); err != nil {
			return err
		}
	}
	return w.folder.WriteFile(welcomed, nil)
}

const welcomeEnglish = `# Welcome to Tesseract

This is a place for your Markdown. Write on the left, read on the right; what you write is saved as you type, as plain files in a folder of your own.

- **Ctrl+N** makes a new document, **Ctrl+P** finds one
- **Ctrl+E** shows or hides the preview
- **Ctrl+,** opens the settings

On a Mac, press ⌘ in place of Ctrl.

## It keeps itself current

Tesseract updates itself while its window is hidden; **Settings → Updates** shows and controls it. When you come back, everything is as you left it: documents, drafts, selections, even what you can undo. A new version that does not start well takes itself back.

## Try it

- [x] Open Tesseract
- [ ] Make a document of your own
- [ ] Delete this one: it is only here to say hello
`

const welcomeChinese = `# 欢迎使用 Tesseract

这里是你的 Markdown 工作台：左侧书写，右侧预览；内容随写随存，都是你自己文件夹里的纯文本文件。

- **Ctrl+N** 新建文稿，**Ctrl+P** 查找文稿
- **Ctrl+E** 显示或隐藏预览
- **Ctrl+,** 打开设置

在 Mac 上请用 ⌘ 代替 Ctrl。

## 自动保持最新

Tesseract 会在窗口隐藏时自行更新；可在 **设置 → 更新** 中查看和控制。再次打开时，一切都和离开时一样：文稿、草稿、选区，连撤销记录也在。新版本若不能正常启动，会自动退回旧版本。

## 试一试

- [x] 打开 Tesseract
- [ ] 新建一篇自己的文稿
- [ ] 删除这一篇：它只是来打个招呼
`
