/* What report.html is made of beside the results: style, scripts and the D3 of the system's package. */
  .section .rodata
  .macro asset name, file
  .global uptake_asset_\name
  .global uptake_asset_\name\()_end
uptake_asset_\name:
  .incbin "\file"
uptake_asset_\name\()_end:
  .byte 0
  .endm
  asset page_css, UPTAKE_PAGE_CSS
  asset draw_js, UPTAKE_DRAW_JS
  asset page_js, UPTAKE_PAGE_JS
  asset d3_js, UPTAKE_D3_JS
  .section .note.GNU-stack, "", @progbits
