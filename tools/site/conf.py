"Sphinx's settings for the course as a site; see tools/site.py"
import os
project = 'cnn_notes'
author = 'The cnn_notes authors'
language = 'en'
html_title = 'cnn_notes'
copyright = 'The cnn_notes authors; Apache-2.0'
extensions = ['myst_nb']
nb_execution_mode = 'off' # the outputs are the saved ones
nb_mime_priority_overrides = [('html', 'image/gif', 5), ('html', 'text/html', 1)]
myst_enable_extensions = ['colon_fence'] # formulas are pictures by then: tools/site.py
myst_heading_anchors = 3
html_theme = 'sphinx_book_theme'
html_theme_options = dict(use_download_button=False, use_fullscreen_button=False, show_navbar_depth=1,
    home_page_in_toc=True, navbar_persistent=[], pygments_light_style='a11y-high-contrast-light',
    pygments_dark_style='a11y-high-contrast-dark')
html_context = dict(default_mode='auto')
if repository := os.environ.get('CNN_NOTES_REPOSITORY'): # OWNER/NAME, once the course has an address
    html_theme_options |= dict(repository_url=f'https://github.com/{repository}', use_repository_button=True,
        use_issues_button=True, use_edit_page_button=True, repository_branch='main', path_to_docs='nbs')
html_favicon = 'icon.svg'
html_static_path = ['site.css', 'site.js']
html_css_files = ['site.css']
html_js_files = ['site.js']
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
