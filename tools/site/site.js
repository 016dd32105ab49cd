// what the theme does not bring: buttons that copy code, and search results without the words of menus
document.addEventListener('DOMContentLoaded', () => {
  for (const code of document.querySelectorAll('article .highlight > pre')) {
    if (code.closest('.cell_output')) continue
    const button = document.createElement('button')
    button.className = 'copy'
    button.type = 'button'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      const text = code.textContent.replace(/\n$/, '')
      try { await navigator.clipboard.writeText(text) }
      catch { // a page that is opened as a file
        const area = Object.assign(document.createElement('textarea'), {value: text})
        document.body.append(area); area.select(); document.execCommand('copy'); area.remove()
      }
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy' }, 1500)
    })
    code.parentElement.append(button)
  }
  for (const o of document.querySelectorAll('article .highlight > pre, article .cell_output, article table, .formula'))
    if (o.scrollWidth > o.clientWidth) o.tabIndex = 0 // a keyboard can scroll it
  if (typeof Search !== 'undefined') {
    const whole = Search.htmlToText
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, 'text/html'), article = page.querySelector('article')
      if (!article) return whole(html, anchor)
      for (const o of article.querySelectorAll('.headerlink, script, style, nav, button, iframe, .prev-next-area')) o.remove()
      return ((anchor && article.querySelector(anchor)) || article).textContent.replace(/\s+/g, ' ')
    }
  }
})
