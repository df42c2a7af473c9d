// `import Bokbok` is enough: values, keys and passphrases come with it.
@_exported public import BokbokCore
