import CBokbokData

package func probe() -> Int { Int(bokbok_data_count()) }
